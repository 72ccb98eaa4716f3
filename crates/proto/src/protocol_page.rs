//! Keeps `PROTOCOL.md` true: its examples are what [`crate::json`] reads and prints, its tables are
//! made from [`Code`]. `UPDATE_EXPECT=1 cargo test -p proto` rewrites the tables.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc, time::Duration};

use expect_test::expect_file;

use crate::{
    Act, ChannelName, Code, ComeBack, Command, Cursor, Epoch, Event, Kind, LogHead, Mark, Notice,
    Offset, Page, Person, Placed, Presence, Publication, Refusal, RequestId, Roll, SessionId,
    Stand, Status, UnixMillis, UnixTime, UserId, json,
};

const PAGE: &str = include_str!("../../../PROTOCOL.md");

#[test]
fn the_tables_are_what_the_code_says() {
    let page = with_table(PAGE, "codes", &codes());
    let page = with_table(&page, "numbers", &numbers());
    expect_file!["../../../PROTOCOL.md"].assert_eq(&page);
}

/// Also that no command is missing from the page.
#[test]
fn what_clients_say_on_the_page_is_read() {
    let mut read = BTreeSet::new();
    for text in lines("client") {
        json::requests(text, |it| {
            let request = it.unwrap_or_else(|(_, refusal)| panic!("{text}: {}", refusal.message()));
            read.insert(kind(&request.command));
        });
    }
    assert_eq!(read.len(), 14, "{read:?}");
}

/// In both directions: nothing on the page is made up, and nothing we say is left out.
#[test]
fn what_the_gateway_says_on_the_page_is_printed() {
    let shown: BTreeSet<String> = lines("server").map(str::to_owned).collect();
    let printed: BTreeSet<String> = said().into_iter().collect();
    assert_eq!(shown, printed);
}

#[test]
fn what_is_wrong_on_the_page_is_refused_as_shown() {
    let all: Vec<&str> = lines("wrong").collect();
    assert!(!all.is_empty() && all.len().is_multiple_of(2), "a command, then its answer");
    for pair in all.chunks(2) {
        let mut answers = Vec::new();
        json::requests(pair[0], |it| {
            let (id, refusal) = it.expect_err("the page shows it as wrong");
            answers.push(json::event(&Event::Refused { id, refusal }));
        });
        assert_eq!(answers, [pair[1]]);
    }
}

#[test]
fn refusals_without_a_protocol_of_ours_are_worded_as_shown() {
    let bodies: Vec<String> = refusals().iter().map(Refusal::to_json).collect();
    assert_eq!(lines("body").collect::<Vec<_>>(), bodies);
    let plain: Vec<String> = refusals().iter().map(json::plain_refusal).collect();
    assert_eq!(lines("plain").collect::<Vec<_>>(), plain);
}

/// The lines of all blocks that begin with ```` ```json KIND ````.
fn lines(kind: &str) -> impl Iterator<Item = &'static str> {
    let opening = format!("```json {kind}\n");
    let blocks = PAGE.split("```json ").skip(1).map(|it| it.split("```").next().unwrap_or(it));
    let kind = opening["```json ".len()..].to_owned();
    blocks.filter_map(move |it| it.strip_prefix(&*kind)).flat_map(str::lines)
}

const fn kind(command: &Command) -> &'static str {
    match command {
        Command::Connect { .. } => "connect",
        Command::Refresh { .. } => "refresh",
        Command::Subscribe { .. } => "subscribe",
        Command::Unsubscribe { .. } => "unsubscribe",
        Command::Publish { .. } => "publish",
        Command::Signal { .. } => "signal",
        Command::History { .. } => "history",
        Command::Mark { mark: Mark::Delivered, .. } => "ack",
        Command::Mark { mark: Mark::Read, .. } => "read",
        Command::Resume { .. } => "resume",
        Command::Typing { .. } => "typing",
        Command::Presence { .. } => "presence",
        Command::Status { .. } => "status",
        Command::Ping => "ping",
    }
}

fn refusals() -> [Refusal; 2] {
    let wait = Duration::from_millis(1500);
    [Code::TokenExpired.into(), Refusal::new(Code::TooManyAttempts).after(wait)]
}

/// Everything the gateway says in the native dialect, once.
fn said() -> Vec<String> {
    let id = RequestId;
    let channel = ChannelName::parse("news:today").expect("it fits the grammar");
    let user = UserId::parse("ann");
    let at = |offset| Placed { epoch: Epoch(0xcede_b205_20bc_b807), offset: Offset(offset) };
    let expires_at = UnixTime(1_900_000_000);
    let later = UnixTime(1_900_003_600);
    let ping = Duration::from_secs(25);
    let refusal = Refusal::new(Code::TooFast).after(Duration::from_millis(1500));
    let connected = |id, session, resumed| {
        let (user, expires_at) = (user.clone(), Some(expires_at));
        Event::Connected { id, user, expires_at, ping, session, resumed }
    };
    let session = SessionId(0x5e1f_0c3a_9b7d_4e26_8a51_f2c0_77d9_1b43);
    let message = said_at(at(18), user.clone());
    let events = [
        connected(None, Some(session), false),
        connected(None, Some(session), true),
        connected(Some(id(1)), None, false),
        Event::Connected {
            id: None,
            user: None,
            expires_at: None,
            ping,
            session: None,
            resumed: false,
        },
        Event::Published { id: id(3), channel: channel.clone(), at: at(18) },
        Event::Signalled { id: id(4), channel: channel.clone() },
        Event::Unsubscribed { id: id(5), channel: channel.clone() },
        Event::Refreshed { id: id(6), expires_at: later },
        Event::Pong { id: id(7) },
        Event::Gap { channel: channel.clone(), from: Offset(19), to: Offset(23) },
        Event::Expiring { expires_at, within: Duration::from_secs(60) },
        Event::Refused { id: Some(id(8)), refusal: Code::Denied.into() },
        Event::Refused { id: None, refusal },
        Event::Closing { refusal: Code::Draining.into() },
    ];
    let nobodys = Publication { from: None, kind: Kind::Message(at(24)), ..message.clone() };
    let signal =
        Publication { kind: Kind::Signal, payload: r#"{"typing":true}"#.into(), ..message.clone() };
    let named = Publication { event: Some("tide:turned".into()), ..nobodys.clone() };
    let publications = [message, nobodys, named, signal];
    let of_logs = said_of_logs(&channel, session);
    let in_passing = said_in_passing(&channel);
    events
        .iter()
        .map(json::event)
        .chain(publications.iter().map(json::publication))
        .chain(of_logs)
        .chain(in_passing)
        .collect()
}

fn said_at(at: Placed, from: Option<UserId>) -> Publication {
    Publication {
        channel: ChannelName::parse("news:today").expect("it fits the grammar"),
        kind: Kind::Message(at),
        from,
        except: None,
        except_conn: None,
        payload: r#"{"title":"Tide at noon"}"#.into(),
        event: None,
        time: UnixMillis(1_899_999_000_125),
    }
}

/// Where a member stands in a log, a part of one, and cursors.
fn said_of_logs(channel: &ChannelName, session: SessionId) -> Vec<String> {
    let at = |offset| Placed { epoch: Epoch(0xcede_b205_20bc_b807), offset: Offset(offset) };
    let back = Stand { recovered: Some(true), ..Stand::from(at(14)) };
    let lost = Stand { recovered: Some(false), first: Some(Offset(12)), ..Stand::from(at(17)) };
    let cursor = Cursor { delivered: Offset(16), read: Offset(15) };
    let counted = Stand { cursor: Some((cursor, 2)), ..Stand::from(at(17)) };
    let subscribed = |id: Option<u64>, stand| Event::Subscribed {
        id: id.map(RequestId),
        channel: channel.clone(),
        stand,
    };
    let head = LogHead { at: at(18), first: Offset(1) };
    let messages = vec![Arc::new(said_at(at(18), UserId::parse("ann")))];
    let (id, channels, page) = (RequestId, vec![channel.clone()], Page { head, messages });
    let events = [
        subscribed(Some(2), at(17).into()),
        subscribed(Some(2), back),
        subscribed(None, back),
        subscribed(Some(2), lost),
        subscribed(Some(2), counted),
        Event::Resumed { id: id(8), session, channels },
        Event::History { id: id(9), channel: channel.clone(), page },
        Event::Marked { id: id(10), channel: channel.clone(), cursor, unread: 2 },
    ];
    events.iter().map(json::event).collect()
}

/// Receipts, typing and presence: answers, then notices.
fn said_in_passing(channel: &ChannelName) -> Vec<String> {
    let user = |name| UserId::parse(name).expect("it is a name");
    let absent = |name| Person {
        user: user(name),
        status: Status::Offline,
        since: None,
        last_seen: None,
        connections: 0,
    };
    let ann = Person {
        status: Status::Online,
        since: Some(UnixMillis(1_899_998_000_500)),
        connections: 2,
        ..absent("ann")
    };
    let cid = Person {
        status: Status::Custom("on a boat".into()),
        since: Some(UnixMillis(1_899_999_000_125)),
        connections: 1,
        ..absent("cid")
    };
    let bob = Person { last_seen: Some(UnixMillis(1_899_999_000_125)), ..absent("bob") };
    let presence = |users| {
        let roll = Roll { users, count: 2, connections: 4 };
        Event::Presence { id: RequestId(22), channel: channel.clone(), roll }
    };
    let events = [
        Event::Typing { id: RequestId(20), channel: channel.clone(), active: true },
        presence(vec![ann, cid]),
        presence(Vec::new()),
        presence(vec![bob]),
        Event::Status { id: RequestId(23), status: Status::Away },
    ];
    let cursor = |delivered, read| Cursor { delivered: Offset(delivered), read: Offset(read) };
    let notices = [
        Notice::Typing { user: user("ann"), active: true },
        Notice::Typing { user: user("ann"), active: false },
        Notice::Receipts(vec![(user("ann"), cursor(18, 15)), (user("bob"), cursor(18, 18))]),
        Notice::Presence(Presence {
            joined: vec![(user("ann"), Status::Online)],
            left: vec![user("bob")],
            changed: vec![(user("cid"), Status::Custom("on a boat".into()))],
            users: 2,
        }),
        Notice::Presence(Presence { users: 1234, ..Presence::default() }),
    ];
    let published = |notice| Publication {
        channel: channel.clone(),
        kind: Kind::Notice(Box::new(notice)),
        from: None,
        except: None,
        except_conn: None,
        payload: "".into(),
        event: None,
        time: UnixMillis(0),
    };
    let notices = notices.map(|it| json::publication(&published(it)));
    events.iter().map(json::event).chain(notices).collect()
}

/// The page with another table between `<!-- NAME -->` and the next blank line.
fn with_table(page: &str, name: &str, table: &str) -> String {
    let mark = format!("<!-- {name} -->\n\n");
    let (before, rest) = page.split_once(&*mark).expect("the page has a place for the table");
    let after = rest.split_once("\n\n").map_or("", |it| it.1);
    format!("{before}{mark}{table}\n{after}")
}

fn codes() -> String {
    let mut out = String::from(
        "| code | number | status | what happens | come back | sentence |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for code in Code::ALL {
        let act = match code.act() {
            Act::Tell => "told",
            Act::Close => "closed",
        };
        let (number, status, back) = (code.close(), code.http(), back(*code));
        writeln!(out, "| `{code}` | {number} | {status} | {act} | {back} | {} |", code.sentence())
            .expect("a string takes all");
    }
    out
}

fn numbers() -> String {
    let numbers: BTreeSet<u16> = Code::ALL.iter().map(|it| it.close()).collect();
    let mut out = String::from("| number | codes |\n| --- | --- |\n");
    for number in numbers {
        let of_it = Code::ALL.iter().filter(|it| it.close() == number);
        let names: Vec<String> = of_it.map(|it| format!("`{it}` ({})", back(*it))).collect();
        writeln!(out, "| {number} | {} |", names.join(", ")).expect("a string takes all");
    }
    out
}

const fn back(code: Code) -> &'static str {
    match code.come_back() {
        ComeBack::No => "no",
        ComeBack::WithToken => "with a token",
        ComeBack::Later => "later",
        ComeBack::Now => "now",
    }
}

/// A client acts on the number; the page tells it how for each there is.
#[test]
fn the_page_says_what_to_do_for_every_number() {
    let section = PAGE.split("## Coming back").nth(1).expect("the page has the section");
    let section = section.split("<!--").next().unwrap_or(section);
    for code in Code::ALL {
        let number = code.close().to_string();
        assert!(section.contains(&number), "{number} ({code}) is not in \"Coming back\"");
    }
}
