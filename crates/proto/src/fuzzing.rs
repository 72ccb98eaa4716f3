//! The fuzzers' way in. Runs as a property test here and as a fuzz target in `fuzz/`.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    action::Message,
    command::Command,
    ids::{Epoch, Offset},
    json::{self, COMMANDS_MAX},
    publication::{Kind, Placed, Publication},
    unix_time::UnixMillis,
};

/// Whatever the bytes, each command is read or refused, and what is published is JSON again, with
/// the payload as it was.
pub fn commands(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut count = 0;
    json::requests(text, |request| {
        count += 1;
        match request {
            Ok(request) => publish(request.command),
            Err((_, refusal)) => {
                let told: Value = serde_json::from_str(&refusal.to_json()).expect("JSON is told");
                assert_eq!(told["code"], refusal.code.as_str());
            }
        }
    });
    assert!(count <= COMMANDS_MAX, "one frame asked {count} things");
    let _ = json::first_token(&Message::Text(text.into()));
}

fn publish(command: Command) {
    let (Command::Publish { channel, payload, .. } | Command::Signal { channel, payload }) =
        command
    else {
        return;
    };
    let at = Placed { epoch: Epoch(1), offset: Offset(1) };
    let kind = Kind::Message(at);
    let publication = Publication {
        channel,
        kind,
        from: None,
        except: None,
        except_conn: None,
        payload: payload.clone(),
        event: None,
        time: UnixMillis(0),
    };
    let text = json::publication(&publication);
    // Not as values: what is a number in JSON need not be one in Rust.
    let told: Told<'_> = serde_json::from_str(&text).expect("what members receive is JSON");
    assert_eq!(told.publication.data.get(), &*payload);
    assert_eq!(told.publication.channel, publication.channel.as_str());
}

#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    publication: Inner<'a>,
}

#[derive(Deserialize)]
struct Inner<'a> {
    channel: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_committed_corpus_is_read_or_refused() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/commands");
        let mut count = 0;
        for seed in fs::read_dir(&corpus).unwrap() {
            commands(&fs::read(seed.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(0 < count, "{} is empty", corpus.display());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            commands(&bytes);
        }

        /// Nearly right, which random bytes never are.
        #[test]
        fn anything_in_the_place_of_data_is_read_or_refused(data in ".{0,100}", name in ".{0,20}") {
            commands(format!(r#"{{"id":1,"publish":{{"channel":"a","data":{data}}}}}"#).as_bytes());
            commands(format!(r#"{{"id":1,"signal":{{"channel":"{name}","data":1}}}}"#).as_bytes());
        }
    }
}
