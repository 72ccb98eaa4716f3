//! The words scripts are written in.
//!
//! ```text
//! ann opens [ROUTE] [on=1] [for=60s] [user=bob] [role=staff] [in=den,lobby] [awaiting] [anonymous]
//!           [jti=ID] [iat=5] [session=7] [resumed] [device=phone]
//!           [at=POSITION [rooms=den@a2/1,log:1]]
//! ann subscribes den #1       ann unsubscribes den #2      ann publishes den hi #3
//! ann signals den hi #4       ann pings #5                 ann connects TOKEN #6
//! ann refreshes TOKEN #7      ann babbles #8               ann says hello
//! ann emits hello #9
//! ann proves [user=] [for=]   ann fails to prove           ann pongs          ann closes
//! ann overfills den 3..4      ann unclogs
//! app answers ann reply hi, publish den x, publish den x except bob, join den, leave den, close,
//!                 signal den x, signal den x to others
//! app returns ann to log:1,den    app returns ann nowhere
//! app fails ann               front publishes den x        front describes den on=1
//! front disconnects user ann  front disconnects conn ann   front disconnects token ID
//! front disconnects before 5 [ann]                         front looses canary
//! shard 1 overflows           shard 1 fails                everybody drains over 10s
//! ann subscribes log:1 since a0/3 #1    ann subscribes log:1 last 2 #1
//! ann publishes log:1 hi key=k #2       ann reads log:1 after 3 limit 2 #3
//! ann acks mail:1 3 #4                  ann has-read talk:1 3 #5
//! ann resumes log:1 a0/3, den a1/2 #6   ann takes up log:1 a0/2, den
//! ann dawdles   nobody dawdles          ann echoes [2] (the latest ping, or that one)
//! front reads log:1    front erases log:1    front asks for mail:1 of ann
//! ann subscribes hall:1 presence #1     ann types den #2       ann stops typing den #3
//! ann asks who hall:1 [after bob] [limit 2] [watch] #4           ann asks about bob in hall:1 #5
//! ann shows away #6                     front asks who hall:1    front asks about bob in hall:1
//! disk holds   disk takes 2   disk moves   disk fails   disk lies   disk works
//! disk cuts log:1 to 3   disk begins log:1 after 7   disk is too busy   clock says 5000
//! bus holds    bus takes 2    bus loses 1   bus moves      3 times LINE    +2s    ++2s
//! ```

use std::{sync::Arc, time::Duration};

use proto::{
    Action, ChannelName, Code, Command, ConnId, Epoch, Identity, Mark, Message, Offset, Placed,
    Reach, Reader, Refusal, ReplyId, Request, RequestId, SessionId, Span, Start, Status,
    UnixMillis, UnixTime, UserId, Values, Who,
};

use super::house::{self, ROUTES};
use crate::{Draft, Errand, Input, Opened, Position, Proof, Returning, TakenUp, Ticket, Whom};

/// What a shard is told of a person, once it is known which connection that is.
type ByConn = Box<dyn FnOnce(ConnId) -> Input>;

pub(super) enum Line {
    Opens { name: String, shard: u16, opened: Opened },
    Person { name: String, input: ByConn },
    Shard { shard: u16, input: Input },
    Home { channel: ChannelName, input: Input },
    Everywhere { input: Box<dyn Fn() -> Input> },
    Passes(Duration),
    Waits { name: String, time: Duration },
    Leaps(Duration),
    Clock(UnixMillis),
    Disk(Deed),
    Dawdles(bool),
    BusHolds,
    BusTakes { count: usize },
    BusLoses { count: usize },
    BusMoves,
    Fails { shard: u16 },
    Repeats { count: usize, line: String },
    Quietly { line: String },
}

pub(super) fn parse(line: &str) -> Line {
    let words: Vec<&str> = line.split_whitespace().collect();
    match *words {
        [time] if time.starts_with("++") => Line::Leaps(duration(&time[2..])),
        [time] if time.starts_with('+') => Line::Passes(duration(&time[1..])),
        ["quietly", ..] => Line::Quietly { line: line.split_once(' ').unwrap().1.to_owned() },
        [count, "times", ..] => {
            let line = line.split_once("times ").unwrap().1.to_owned();
            Line::Repeats { count: count.parse().unwrap(), line }
        }
        ["clock", "says", millis] => Line::Clock(UnixMillis(millis.parse().unwrap())),
        ["disk", ref deed @ ..] => Line::Disk(disk(deed)),
        ["nobody", "dawdles"] => Line::Dawdles(false),
        [_, "dawdles"] => Line::Dawdles(true),
        ["bus", "holds"] => Line::BusHolds,
        ["bus", "loses", count] => Line::BusLoses { count: count.parse().unwrap() },
        ["bus", "takes", count] => Line::BusTakes { count: count.parse().unwrap() },
        ["bus", "moves"] => Line::BusMoves,
        ["everybody", "drains", "over", time] => {
            let over = duration(time);
            Line::Everywhere { input: Box::new(move || Input::Drain { over }) }
        }
        ["shard", shard, "fails"] => Line::Fails { shard: shard.parse().unwrap() },
        ["shard", shard, "overflows"] => {
            Line::Shard { shard: shard.parse().unwrap(), input: Input::Overflowed }
        }
        ["front", ref rest @ ..] => front(rest),
        ["app", "fails", name] => {
            person(name, |conn| Input::Answered { conn, answer: Err(Code::AppFailed.into()) })
        }
        ["app", "returns", name, "to", rooms] => {
            let rooms = Some(rooms.split(',').map(channel).collect());
            person(name, |conn| Input::Returned { conn, rooms })
        }
        ["app", "returns", name, "nowhere"] => {
            person(name, |conn| Input::Returned { conn, rooms: None })
        }
        ["app", "answers", name, ..] => {
            let actions = line.split_once(name).unwrap().1.split(',').map(str::trim);
            let answer = actions.filter(|it| !it.is_empty()).map(action).collect();
            person(name, |conn| Input::Answered { conn, answer: Ok(answer) })
        }
        [name, "waits", time] => Line::Waits { name: name.to_owned(), time: duration(time) },
        [name, "opens", ref options @ ..] => opens(name, options),
        [name, ref rest @ ..] => does(name, rest),
        [] => panic!("an empty line"),
    }
}

/// What the disk does.
pub(super) enum Deed {
    Holds,
    Moves,
    Takes { count: usize },
    Fails { lies: bool },
    IsBusy,
    Works,
    Cuts { channel: ChannelName, first: u64 },
    Begins { channel: ChannelName, after: u64 },
}

fn disk(words: &[&str]) -> Deed {
    match *words {
        ["holds"] => Deed::Holds,
        ["moves"] => Deed::Moves,
        ["takes", count] => Deed::Takes { count: count.parse().unwrap() },
        ["fails"] => Deed::Fails { lies: false },
        ["lies"] => Deed::Fails { lies: true },
        ["is", "too", "busy"] => Deed::IsBusy,
        ["works"] => Deed::Works,
        ["cuts", name, "to", first] => {
            Deed::Cuts { channel: channel(name), first: first.parse().unwrap() }
        }
        ["begins", name, "after", offset] => {
            Deed::Begins { channel: channel(name), after: offset.parse().unwrap() }
        }
        _ => panic!("no such deed of the disk: {words:?}"),
    }
}

fn person(name: &str, input: impl FnOnce(ConnId) -> Input + 'static) -> Line {
    Line::Person { name: name.to_owned(), input: Box::new(input) }
}

fn opens(name: &str, options: &[&str]) -> Line {
    let route = options.iter().find_map(|it| ROUTES.iter().position(|route| route == it));
    let is = |word| options.contains(&word);
    let proof = (!is("awaiting") && !is("anonymous")).then(|| proof(name, options));
    let opened = Opened {
        policy: u16::try_from(route.unwrap_or(0)).unwrap(),
        proof,
        awaits_token: is("awaiting"),
        channels: channels(options),
        device: option(options, "device=").map(Into::into),
        returning: option(options, "at=").map(|it| Box::new(returning(it, options))),
    };
    let shard = option(options, "on=").map_or(0, |it| it.parse().unwrap());
    Line::Opens { name: name.to_owned(), shard, opened }
}

fn proof(name: &str, options: &[&str]) -> Proof {
    let lasts = option(options, "for=").map_or(Duration::from_secs(3600), duration);
    let user = option(options, "user=").unwrap_or(name);
    let role = option(options, "role=").unwrap_or("guest");
    let is = |word| options.contains(&word);
    let identity = Identity {
        token_id: option(options, "jti=").map(Into::into),
        issued_at: option(options, "iat=").map(|it| UnixTime(it.parse().unwrap())),
        ..(*house::identity(user, role, lasts)).clone()
    };
    Proof {
        identity: Arc::new(identity),
        expires_in: lasts,
        channels: channels(options),
        session: option(options, "session=")
            .map(|it| (SessionId(it.parse().unwrap()), is("resumed"))),
    }
}

fn returning(position: &str, options: &[&str]) -> Returning {
    let rooms = option(options, "rooms=").map_or(Vec::new(), |it| places(&it.replace('@', " ")));
    Returning { position: Position::parse(position).unwrap(), rooms }
}

fn channels(options: &[&str]) -> Vec<ChannelName> {
    option(options, "in=").map_or(Vec::new(), |it| it.split(',').map(channel).collect())
}

fn option<'a>(options: &[&'a str], key: &str) -> Option<&'a str> {
    options.iter().find_map(|it| it.strip_prefix(key))
}

fn does(name: &str, words: &[&str]) -> Line {
    let (id, words) = match words.split_last() {
        Some((last, rest)) if last.starts_with('#') => {
            (Some(RequestId(last[1..].parse().unwrap())), rest)
        }
        _ => (None, words),
    };
    let command = match *words {
        ["subscribes", name, ref start @ ..] => {
            let presence = start.last() == Some(&"presence");
            let start = begin(&start[..start.len() - usize::from(presence)]);
            Command::Subscribe { channel: channel(name), start, presence }
        }
        ["types", name] => Command::Typing { channel: channel(name), active: true },
        ["stops", "typing", name] => Command::Typing { channel: channel(name), active: false },
        ["asks", "who", name, ref rest @ ..] => {
            let watch = rest.contains(&"watch");
            Command::Presence { channel: channel(name), who: everyone(rest), watch }
        }
        ["asks", "about", user, "in", name] => Command::Presence {
            channel: channel(name),
            who: Who::User(UserId::parse(user).unwrap()),
            watch: false,
        },
        ["shows", ref text @ ..] => {
            Command::Status { status: Status::parse(&text.join(" ")).unwrap() }
        }
        ["unsubscribes", name] => Command::Unsubscribe { channel: channel(name) },
        ["publishes", name, payload, ref rest @ ..] => Command::Publish {
            channel: channel(name),
            payload: payload.into(),
            key: option(rest, "key=").map(Into::into),
        },
        ["reads", name, ref rest @ ..] => read(name, rest),
        ["acks", name, offset] => mark(name, Mark::Delivered, offset),
        ["has-read", name, offset] => mark(name, Mark::Read, offset),
        ["resumes", ref rest @ ..] => {
            let since = places(&rest.join(" "));
            let since = since.into_iter().map(|it| (it.0, it.1.unwrap())).collect();
            Command::Resume { session: SessionId(1), since }
        }
        ["signals", name, payload] => {
            Command::Signal { channel: channel(name), payload: payload.into() }
        }
        ["pings"] => Command::Ping,
        ["connects", token] => Command::Connect { token: token.into() },
        ["refreshes", token] => Command::Refresh { token: token.into() },
        _ => return happens(name, id, words),
    };
    person(name, move |conn| Input::Requested { conn, request: Ok(Request { id, command }) })
}

fn happens(name: &str, id: Option<RequestId>, words: &[&str]) -> Line {
    match *words {
        ["babbles"] => {
            let request = Err((id, Refusal::new(Code::InvalidJson)));
            person(name, |conn| Input::Requested { conn, request })
        }
        ["says", text] => {
            let message = Message::Text(text.into());
            person(name, |conn| Input::Said { conn, message })
        }
        // Its number is that of the acknowledgement.
        ["emits", event] => {
            let reply = id.map(|it| ReplyId(u32::try_from(it.0).unwrap()));
            let message = Message::Event { name: event.into(), values: Values::new("[]"), reply };
            person(name, |conn| Input::Said { conn, message })
        }
        ["proves", ref options @ ..] => {
            let proof = Ok(Box::new(proof(name, options)));
            person(name, |conn| Input::Authenticated { conn, proof })
        }
        ["fails", "to", "prove"] => {
            let proof = Err(Code::InvalidToken.into());
            person(name, |conn| Input::Authenticated { conn, proof })
        }
        ["takes", "up", ref rest @ ..] => {
            let left = places(&rest.join(" "));
            let taken_up = Ok(TakenUp { session: SessionId(1), left });
            person(name, |conn| Input::Resumed { conn, taken_up })
        }
        ["takes", "nothing", "up"] => {
            let taken_up = Err(Code::SessionUnknown.into());
            person(name, |conn| Input::Resumed { conn, taken_up })
        }
        ["echoes"] => person(name, |conn| Input::Ponged { conn, number: 1 << 30 }),
        ["echoes", number] => {
            let number = number.parse().unwrap();
            person(name, move |conn| Input::Ponged { conn, number })
        }
        ["pongs"] => person(name, |conn| Input::Heard { conn }),
        ["closes"] => person(name, |conn| Input::Closed { conn }),
        ["overfills", name_of, range] => {
            let (from, to) = range.split_once("..").unwrap();
            let [from, to] = [from, to].map(|it| Offset(it.parse().unwrap()));
            let channel = channel(name_of);
            person(name, move |conn| Input::Overfull { conn, channel, from, to })
        }
        ["unclogs"] => person(name, |conn| Input::Unclogged { conn }),
        _ => panic!("no such line: {name} {words:?}"),
    }
}

fn front(words: &[&str]) -> Line {
    let ticket = Ticket(7);
    let shard = option(words, "on=").map_or(0, |it| it.parse().unwrap());
    let errand = match *words {
        ["publishes", name, payload, ref rest @ ..] => {
            let channel = channel(name);
            let except = option(rest, "except=").and_then(UserId::parse);
            let draft = Draft {
                channel: channel.clone(),
                payload: payload.into(),
                from: None,
                except,
                except_conn: None,
                event: None,
                is_signal: false,
                key: option(rest, "key=").map(Into::into),
            };
            return at_home(channel, Errand::Publish(draft));
        }
        ["reads", name] => {
            let channel = channel(name);
            let (span, epoch, limit) = (Span::Last, None, 100);
            return at_home(channel.clone(), Errand::Read { channel, span, epoch, limit });
        }
        ["erases", name] => return at_home(channel(name), Errand::Erase(channel(name))),
        ["asks", "for", name, "of", user] => {
            let reader = Reader { user: UserId::parse(user).unwrap(), device: None };
            let channel = channel(name);
            return at_home(channel.clone(), Errand::Cursor { channel, reader });
        }
        ["asks", "who", name, ref rest @ ..] => {
            let channel = channel(name);
            let who = everyone(rest);
            return at_home(channel.clone(), Errand::Presence { channel, who });
        }
        ["asks", "about", user, "in", name] => {
            let channel = channel(name);
            let who = Who::User(UserId::parse(user).unwrap());
            return at_home(channel.clone(), Errand::Presence { channel, who });
        }
        ["describes", name, ..] => Errand::Describe(channel(name)),
        ["disconnects", "user", user, ..] => {
            Errand::Disconnect(Whom::User(UserId::parse(user).unwrap()), Code::Disconnected.into())
        }
        ["disconnects", "token", id, ..] => {
            Errand::Disconnect(Whom::Token(id.into()), Code::TokenRevoked.into())
        }
        ["disconnects", "before", before, ref rest @ ..] => {
            let user = rest.first().and_then(|it| UserId::parse(it));
            let before = UnixTime(before.parse().unwrap());
            Errand::Disconnect(Whom::IssuedBefore { user, before }, Code::TokenRevoked.into())
        }
        ["disconnects", "conn", name, ..] => {
            return person(name, move |conn| {
                let errand = Errand::Disconnect(Whom::Conn(conn), Code::Disconnected.into());
                Input::Sought { ticket, errand }
            });
        }
        ["looses", text, ..] => Errand::Canary(text.into()),
        _ => panic!("no such line: front {words:?}"),
    };
    Line::Shard { shard, input: Input::Sought { ticket, errand } }
}

fn at_home(channel: ChannelName, errand: Errand) -> Line {
    Line::Home { channel, input: Input::Sought { ticket: Ticket(7), errand } }
}

fn action(text: &str) -> Action {
    let words: Vec<&str> = text.split_whitespace().collect();
    match *words {
        ["reply", text] => Action::Reply(Message::Text(text.into())),
        ["publish", name, payload] => {
            let (channel, payload) = (channel(name), payload.into());
            publishes(channel, payload, None, Reach::Members)
        }
        ["publish", name, payload, "except", user] => {
            publishes(channel(name), payload.into(), UserId::parse(user), Reach::Members)
        }
        ["signal", name, payload] => publishes(channel(name), payload.into(), None, Reach::Present),
        ["signal", name, payload, "to", "others"] => {
            publishes(channel(name), payload.into(), None, Reach::Others)
        }
        ["join", name] => Action::Join(channel(name)),
        ["leave", name] => Action::Leave(channel(name)),
        ["close"] => Action::Close(Code::SessionExpired.into()),
        _ => panic!("no such action: {text}"),
    }
}

fn publishes(
    channel: ChannelName,
    payload: Arc<str>,
    except: Option<UserId>,
    reach: Reach,
) -> Action {
    Action::Publish { channel, payload, except, event: None, reach }
}

fn begin(words: &[&str]) -> Start {
    match *words {
        [] => Start::Unsaid,
        ["since", at] => Start::After(place(at)),
        ["last", count] => Start::Last(count.parse().unwrap()),
        ["from", millis] => Start::Since(UnixMillis(millis.parse().unwrap())),
        _ => panic!("no such beginning: {words:?}"),
    }
}

fn read(name: &str, words: &[&str]) -> Command {
    let limit = match words.iter().position(|it| *it == "limit") {
        Some(index) => words[index + 1].parse().unwrap(),
        None => 100,
    };
    let number = |it: &str| Offset(it.parse().unwrap());
    let span = match *words {
        ["after", offset, ..] => Span::After(number(offset)),
        ["before", offset, ..] => Span::Before(number(offset)),
        _ => Span::Last,
    };
    Command::History { channel: channel(name), span, epoch: None, limit }
}

fn everyone(words: &[&str]) -> Who {
    let of = |key| words.iter().position(|it| *it == key).map(|it| words[it + 1]);
    let limit = of("limit").map_or(100, |it| it.parse().unwrap());
    Who::All { after: of("after").map(|it| UserId::parse(it).unwrap()), limit }
}

fn mark(name: &str, mark: Mark, offset: &str) -> Command {
    Command::Mark { channel: channel(name), mark, offset: Offset(offset.parse().unwrap()) }
}

fn places(text: &str) -> Vec<(ChannelName, Option<Placed>)> {
    let words = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    let one = |it: &str| match it.split_once(' ') {
        Some((name, at)) => (channel(name), Some(place(at))),
        None => (channel(it), None),
    };
    words.map(one).collect()
}

fn place(text: &str) -> Placed {
    let (epoch, offset) = text.split_once('/').unwrap();
    Placed {
        epoch: Epoch(u64::from_str_radix(epoch, 16).unwrap()),
        offset: Offset(offset.parse().unwrap()),
    }
}

fn channel(text: &str) -> ChannelName {
    ChannelName::parse(text).unwrap()
}

fn duration(text: &str) -> Duration {
    match text.strip_suffix("ms") {
        Some(millis) => Duration::from_millis(millis.parse().unwrap()),
        None => Duration::from_secs(text.strip_suffix('s').unwrap().parse().unwrap()),
    }
}
