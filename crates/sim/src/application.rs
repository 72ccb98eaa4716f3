//! The application behind one route, and what it may expect of the gateway.

use engine::Ask;
use proto::{Action, Code, Message, Reach, Refusal};

use crate::{
    dice::Dice,
    model::Model,
    rules::{self, channel},
};

/// What the application has been asked about one connection.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    is_asked: bool,
    heard: u64,
    is_connected: bool,
    pub(crate) is_over: bool,
}

impl Talk {
    /// One question at a time, in the order in which things were said, and a farewell at the end.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Result<(), String> {
        if self.is_asked || self.is_over {
            return Err(format!("the application is asked {ask:?} while {self:?}"));
        }
        self.is_asked = true;
        match ask {
            Ask::Returned { .. } => return Err("nobody recovers".to_owned()),
            Ask::Connected { .. } if self.is_connected => {
                return Err("connected twice".to_owned());
            }
            Ask::Connected { .. } => self.is_connected = true,
            Ask::Said(_) if !self.is_connected => return Err("said before connected".to_owned()),
            Ask::Said(Message::Text(text)) => {
                self.heard += 1;
                if **text != *self.heard.to_string() {
                    return Err(format!("the application hears {text} as number {}", self.heard));
                }
            }
            Ask::Said(Message::Binary(_) | Message::Event { .. } | Message::Answer { .. }) => {
                return Err("nobody says bytes or events".to_owned());
            }
            Ask::Disconnected => self.is_over = true,
        }
        Ok(())
    }

    pub(crate) const fn answer(&mut self) {
        self.is_asked = false;
    }
}

/// The first answer begins with a greeting, which has to be what the client hears first.
pub(crate) const GREETING: &str = "greeting";

pub(crate) fn answer(
    dice: &mut Dice,
    model: &mut Model,
    ask: &Ask,
) -> Result<Vec<Action>, Refusal> {
    if dice.once_in(12) {
        return Err(Code::AppFailed.into());
    }
    let mut actions = Vec::new();
    if matches!(ask, Ask::Connected { .. }) {
        actions.push(Action::Reply(Message::Text(GREETING.into())));
    }
    for _ in 0..dice.below(3) {
        let name = rules::some_channel(dice);
        let except = proto::UserId::parse(dice.pick(&["u0", "u1", "nobody"]));
        let loose = channel("app:0");
        actions.push(match dice.below(8) {
            0 => Action::Join(loose),
            1 => Action::Leave(loose),
            2 if dice.once_in(4) => Action::Close(Code::SessionExpired.into()),
            3 => Action::Reply(Message::Text("reply".into())),
            it => {
                let except = except.filter(|_| it < 6);
                let payload = model.payload();
                model.attempt(&name, &payload, except.as_ref());
                let reach = Reach::Members;
                Action::Publish { channel: name, payload, except, event: None, reach }
            }
        });
    }
    Ok(actions)
}
