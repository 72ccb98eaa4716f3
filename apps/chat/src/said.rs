//! Reads what clients say: each event under all of its names, each value within its bounds.

use serde_json::Value;

use crate::command::{Command, Kind, NewChannel, OfChannels, OfMessages, Role};

/// What is wrong with it, in words for the client.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Unclear(pub(crate) &'static str);

/// A page of text. Longer things are files.
const CONTENT_CHARS_MAX: usize = 4000;
/// A line in a list of channels.
const NAME_CHARS_MAX: usize = 80;
/// A few lines above a channel.
const DESCRIPTION_CHARS_MAX: usize = 500;
/// Ids of users, devices and messages that have none yet: UUIDs and the like.
const ID_BYTES_MAX: usize = 128;
/// Families of emoji joined into one take some thirty bytes; names of emoji less.
const REACTION_BYTES_MAX: usize = 64;
/// Who is invited when a channel is made. Others can be later.
const MEMBERS_MAX: usize = 100;
/// An offset and an id or two.
const SCROLL_BYTES_MAX: usize = 1024;

/// Names by which each version of the client has called what it wants; the first is today's.
pub(crate) fn parse(event: &str, args: &[Value]) -> Result<Command, Unclear> {
    let said = Said(args.first().unwrap_or(&Value::Null));
    if let Some(command) = of_messages(event, &said)? {
        return Ok(Command::Messages(command));
    }
    of_channels(event, &said)?.map(Command::Channels).ok_or(Unclear("Unknown event"))
}

/// Whether this sends a message to a channel, under any name.
pub(crate) fn is_sending(event: &str) -> bool {
    matches!(event, "message:send" | "send_message" | "sendMessage" | "message.send")
}

fn of_messages(event: &str, said: &Said<'_>) -> Result<Option<OfMessages>, Unclear> {
    Ok(Some(match event {
        event if is_sending(event) => OfMessages::Send {
            channel: said.channel()?,
            content: said.content()?,
            temp_id: said.temp_id()?,
        },
        "message:update" | "updateMessage" | "message:edit" => {
            OfMessages::Edit { message: said.message()?, content: said.content()? }
        }
        "message:delete" | "deleteMessage" => OfMessages::Delete { message: said.message()? },
        "thread:join" => OfMessages::EnterThread { thread: said.thread()? },
        "thread:leave" => OfMessages::ExitThread { thread: said.thread()? },
        "thread:reply" => OfMessages::Reply {
            thread: said.thread()?,
            content: said.content()?,
            temp_id: said.temp_id()?,
        },
        "reaction:add" | "message:reaction:added" => {
            OfMessages::React { message: said.message()?, kind: said.reaction()? }
        }
        "reaction:remove" | "message:reaction:removed" => {
            OfMessages::Unreact { message: said.message()?, kind: said.reaction()? }
        }
        "message:received" | "message:confirm" | "message:delivered" => {
            OfMessages::Receive { message: said.message()? }
        }
        "message:read" | "message:seen" | "READ" => OfMessages::Read { message: said.message()? },
        "message:reaction:received" => OfMessages::Noted,
        "message:getStatus" => OfMessages::Status { message: said.message()? },
        "message:getOfflineCount" => OfMessages::OfflineCount,
        _ => return Ok(None),
    }))
}

fn of_channels(event: &str, said: &Said<'_>) -> Result<Option<OfChannels>, Unclear> {
    Ok(Some(match event {
        "channel:join" | "join_channel" | "joinChannel" | "channel.join" => {
            OfChannels::Enter { channel: said.channel()? }
        }
        "channel:leave" | "leave_channel" | "leaveChannel" | "channel.leave" => {
            OfChannels::Exit { channel: said.channel()? }
        }
        "channel:create" => OfChannels::Create { draft: said.new_channel()? },
        "channel:created" => OfChannels::Announce { channel: said.announced()? },
        "channel:update" => OfChannels::Update {
            channel: said.channel()?,
            name: said.short("name", NAME_CHARS_MAX)?,
            description: said.short("description", DESCRIPTION_CHARS_MAX)?,
        },
        "channel:member:role" => OfChannels::Promote {
            channel: said.channel()?,
            user: said.user("userId")?,
            role: said.role()?,
        },
        "channels:list" => OfChannels::List,
        "invitation:send" => {
            OfChannels::Invite { channel: said.channel()?, user: said.user("inviteeId")? }
        }
        "invitation:respond" => OfChannels::Respond {
            invitation: said.number("invitationId").ok_or(Unclear("invitationId is required"))?,
            is_accepted: said.flag("accept").ok_or(Unclear("accept is required"))?,
        },
        "typing:start" | "message:typing:start" | "TYPING_START" => {
            OfChannels::Type { channel: said.channel()?, is_typing: true }
        }
        "typing:stop" | "message:typing:stop" | "TYPING_STOP" => {
            OfChannels::Type { channel: said.channel()?, is_typing: false }
        }
        "typing" => OfChannels::Type {
            channel: said.channel()?,
            is_typing: said.flag("isTyping").unwrap_or(true),
        },
        "typing:get" => OfChannels::WhoTypes { channel: said.channel()? },
        "presence:get_online_users" => OfChannels::Online,
        "draft:sync" => OfChannels::Draft {
            channel: said.channel()?,
            content: said.short("content", CONTENT_CHARS_MAX)?.unwrap_or_default(),
            device: said.id("deviceId")?.unwrap_or_default(),
            written_at: said.number("timestamp"),
        },
        "scroll:sync" => OfChannels::Scroll { position: said.position()? },
        _ => return Ok(None),
    }))
}

/// The event's first value: an object, or where one thing is meant, that thing.
struct Said<'a>(&'a Value);

impl Said<'_> {
    /// A channel within its announcement, or bare.
    fn announced(&self) -> Result<i64, Unclear> {
        Said(self.0.get("channel").unwrap_or(self.0)).channel()
    }

    fn channel(&self) -> Result<i64, Unclear> {
        self.number("channelId")
            .or_else(|| self.number("id"))
            .or_else(|| number(self.0))
            .ok_or(Unclear("channelId is required"))
    }

    fn message(&self) -> Result<i64, Unclear> {
        self.number("messageId").or_else(|| number(self.0)).ok_or(Unclear("messageId is required"))
    }

    fn thread(&self) -> Result<i64, Unclear> {
        self.number("threadId").or_else(|| number(self.0)).ok_or(Unclear("threadId is required"))
    }

    fn content(&self) -> Result<String, Unclear> {
        let content = self.short("content", CONTENT_CHARS_MAX)?;
        content.filter(|it| !it.trim().is_empty()).ok_or(Unclear("Message content is required"))
    }

    fn temp_id(&self) -> Result<Option<String>, Unclear> {
        self.id("tempId")
    }

    fn reaction(&self) -> Result<String, Unclear> {
        let text = ["type", "emoji"].into_iter().find_map(|it| self.0.get(it)?.as_str());
        text.filter(|it| (1..=REACTION_BYTES_MAX).contains(&it.len()))
            .map(str::to_owned)
            .ok_or(Unclear("type is required"))
    }

    fn role(&self) -> Result<Role, Unclear> {
        let role = self.0.get("role").and_then(Value::as_str);
        role.and_then(Role::parse).ok_or(Unclear("role is OWNER, ADMIN or MEMBER"))
    }

    fn new_channel(&self) -> Result<NewChannel, Unclear> {
        let kind = self.0.get("type").map_or(Some(Kind::Public), |it| Kind::parse(it.as_str()?));
        let members = self.0.get("memberIds").map_or(Some(Vec::new()), |it| {
            let members = it.as_array()?.iter().map(|it| it.as_str().map(str::to_owned));
            members.collect::<Option<Vec<_>>>().filter(|it| it.len() <= MEMBERS_MAX)
        });
        let name = self.short("name", NAME_CHARS_MAX)?.filter(|it| !it.trim().is_empty());
        let kind = kind.ok_or(Unclear("type is PUBLIC, PRIVATE or DM"))?;
        // A direct conversation is called after whom it is with, by whoever looks at it.
        let name = name.or_else(|| (kind == Kind::Direct).then(String::new));
        Ok(NewChannel {
            name: name.ok_or(Unclear("name is required"))?,
            kind,
            description: self.short("description", DESCRIPTION_CHARS_MAX)?,
            members: members.ok_or(Unclear("memberIds is a list of up to 100 ids"))?,
        })
    }

    fn position(&self) -> Result<Value, Unclear> {
        let is_short = self.0.to_string().len() <= SCROLL_BYTES_MAX;
        if self.0.is_object() && is_short {
            Ok(self.0.clone())
        } else {
            Err(Unclear("A position is a short object"))
        }
    }

    fn user(&self, name: &str) -> Result<String, Unclear> {
        self.id(name)?.ok_or(Unclear("A user is required"))
    }

    fn id(&self, name: &str) -> Result<Option<String>, Unclear> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(id)) if id.len() <= ID_BYTES_MAX => Ok(Some(id.clone())),
            Some(_) => Err(Unclear("An id is a short text")),
        }
    }

    fn short(&self, name: &str, chars_max: usize) -> Result<Option<String>, Unclear> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.chars().count() <= chars_max => {
                Ok(Some(text.clone()))
            }
            Some(Value::String(_)) => Err(Unclear("A text is too long")),
            Some(_) => Err(Unclear("A text is required")),
        }
    }

    fn number(&self, name: &str) -> Option<i64> {
        number(self.0.get(name)?)
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }
}

/// Ids are told as texts, and come back as texts or numbers.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
