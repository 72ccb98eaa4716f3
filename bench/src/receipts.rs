//! A room in which everyone reads what was said.

use std::io;

use serde_json::Value;

use crate::{
    cost::cpu,
    options::Options,
    returning::{Returning, unexpected},
    scenario::{each, tell},
};

/// Said before anyone has read it.
const SAID: usize = 5;

/// Every member reads everything and waits to be told that this is kept.
pub(crate) fn receipts(options: &Options) -> io::Result<()> {
    let mut crowd = Returning::new(options)?;
    crowd.come(0..options.members)?;
    crowd.publish(SAID)?;
    crowd.hear_all()?;

    let before = cpu(options.pid)?;
    let took = read_all(&mut crowd)?;
    let spent = cpu(options.pid)?.saturating_sub(before);
    let what = format!("{} members of {}", options.members, options.room);
    tell("receipts", &what, options, each(spent, options.members as u64), "µs CPU/mark")?;
    tell("receipts: all are kept", &what, options, took, "s")
}

fn read_all(crowd: &mut Returning<'_>) -> io::Result<f64> {
    let began = std::time::Instant::now();
    let (room, head) = (&crowd.options.room, crowd.frames.len());
    let command = format!("{{\"id\":1,\"read\":{{\"channel\":\"{room}\",\"offset\":{head}}}}}");
    let mut order: Vec<usize> = (0..crowd.members.len()).collect();
    crowd.floor.dice.shuffle(&mut order);
    for place in order {
        crowd.floor.say(place, &command)?;
    }
    let mut owing = crowd.members.len();
    while 0 < owing {
        crowd.floor.listen(|_, said| {
            let told: Value = serde_json::from_slice(said).map_err(io::Error::other)?;
            if told["marked"]["read"].as_u64() != Some(head as u64) {
                return Err(unexpected(said));
            }
            owing -= 1;
            Ok(None)
        })?;
    }
    Ok(began.elapsed().as_secs_f64())
}
