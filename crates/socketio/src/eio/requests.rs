//! The requests of a session that polls: at most one GET and one POST.

use super::{Answer, Effect, Refusal, RequestId, payload::Body};
use crate::{Frame, eio::payload};

#[derive(Debug, Default)]
pub(crate) struct Requests {
    /// Invariant: while a GET waits, no packet does.
    pub(crate) get: Option<RequestId>,
    pub(crate) post: Option<Post>,
}

#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) request: RequestId,
    pub(crate) body: Body,
}

impl Requests {
    /// The POST under way, if it is this one.
    pub(crate) fn post_mut(&mut self, request: RequestId) -> Option<&mut Post> {
        self.post.as_mut().filter(|it| it.request == request)
    }

    pub(crate) fn take_post(&mut self, request: RequestId) -> Option<Post> {
        self.post.take_if(|it| it.request == request)
    }

    /// Lets nobody wait for a session that is over.
    pub(crate) fn release(self, farewell: &Frame, effects: &mut Vec<Effect>) {
        if let Some(request) = self.get {
            effects.push(answer(request, Answer::Payload(payload([farewell]))));
        }
        if let Some(post) = self.post {
            effects.push(answer(post.request, Answer::Refused(Refusal::BadRequest)));
        }
    }
}

pub(crate) fn answer(request: RequestId, answer: Answer) -> Effect {
    Effect::Answer { request, answer }
}
