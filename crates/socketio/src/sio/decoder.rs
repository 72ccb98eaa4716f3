//! Packets out of messages: a text, and for binary packets the messages of bytes after it.

use std::{sync::Arc, time::Instant};

use super::{Attachments, Body, Fault, Packet, read::read};
use crate::{Message, Policy};

/// What is kept between messages: at most one packet whose attachments are on their way.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Boxed, because most connections never send bytes.
    partial: Option<Box<Partial>>,
}

#[derive(Debug)]
struct Partial {
    packet: Packet,
    announced: Attachments,
    arrived: Vec<Arc<[u8]>>,
    bytes: usize,
    until: Instant,
}

impl Decoder {
    /// Takes one message. After a fault nothing that follows can be trusted.
    pub fn take(
        &mut self,
        now: Instant,
        message: Message,
        policy: &Policy,
    ) -> Result<Option<Packet>, Fault> {
        match (message, self.partial.take()) {
            (Message::Text(_), Some(_)) => Err(Fault::AttachmentMissing),
            (Message::Binary(_), None) => Err(Fault::AttachmentUnannounced),
            (Message::Text(text), None) => self.begin(now, text, policy),
            (Message::Binary(bytes), Some(partial)) => self.attach(now, partial, bytes, policy),
        }
    }

    /// By when attachments have to be here; [`Fault::AttachmentsLate`] otherwise.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        self.partial.as_ref().map(|it| it.until)
    }

    fn begin(
        &mut self,
        now: Instant,
        text: Arc<str>,
        policy: &Policy,
    ) -> Result<Option<Packet>, Fault> {
        let (packet, announced) = read(text, policy.namespace_bytes_max)?;
        let Some(announced) = announced else { return Ok(Some(packet)) };
        let until = now + policy.attachments_within;
        let arrived = Vec::new();
        self.partial = Some(Box::new(Partial { packet, announced, arrived, bytes: 0, until }));
        Ok(None)
    }

    fn attach(
        &mut self,
        now: Instant,
        mut partial: Box<Partial>,
        bytes: Arc<[u8]>,
        policy: &Policy,
    ) -> Result<Option<Packet>, Fault> {
        if partial.until <= now {
            return Err(Fault::AttachmentsLate);
        }
        partial.bytes = partial.bytes.saturating_add(bytes.len());
        if policy.attachments_bytes_max < partial.bytes {
            return Err(Fault::AttachmentsTooLong);
        }
        partial.arrived.push(bytes);
        if partial.arrived.len() < partial.announced.count() {
            self.partial = Some(partial);
            return Ok(None);
        }
        Ok(Some(partial.finish()))
    }
}

impl Partial {
    fn finish(mut self) -> Packet {
        let attachments = self.arrived.into();
        match &mut self.packet.body {
            Body::Event { event, .. } => event.args.attach(attachments),
            Body::Ack { args, .. } => args.attach(attachments),
            Body::Connect(_) | Body::Disconnect | Body::ConnectError(_) => (),
        }
        self.packet
    }
}
