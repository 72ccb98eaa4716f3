//! One batch for many: each gets what it is owed, compressed where that was agreed.

use wire::{Bounds, Deflater, Inflater, Opcode};

use super::world::{Client, Verdict, World, numbered};
use crate::Compression;

#[test]
fn each_member_gets_what_it_has_not_had() {
    let mut world = World::new();
    let texts = numbered(5, 10);
    let mut members: Vec<_> = (0..30).map(|_| world.enter()).collect();
    let owed: Vec<_> = members.iter().enumerate().map(|(it, member)| (member.1, it % 6)).collect();
    let writes = world.net.tally().writes;
    assert!(world.fan_out(&texts, &owed).is_empty());
    assert_eq!(world.net.tally().writes - writes, 25, "five have everything already");
    for (index, (client, _)) in members.iter_mut().enumerate() {
        let skip = index % 6;
        assert_eq!(client.frames(&mut world, 5 - skip), texts[skip..]);
        client.read();
        assert_eq!(client.next(), None);
    }
}

#[test]
fn who_is_leaving_or_gone_is_given_nothing() {
    let mut world = World::new();
    let (mut leaving, left) = world.enter();
    let (gone, lost) = world.enter();
    drop(gone);
    world.hear(1);
    world.net.close(left, None, 4001, "", false);
    assert!(world.fan_out(&["a".to_owned()], &[(left, 0), (lost, 0)]).is_empty());
    assert_eq!(leaving.frames(&mut world, 1), ["close 4001"]);
    leaving.read();
    assert_eq!(leaving.next(), None);
}

fn enter_compressing(world: &mut World, window_bits: u8) -> (Client, proto::ConnId) {
    world.ears.verdict = Verdict::Open(Compression::Messages { window_bits });
    let entered = world.enter();
    world.ears.verdict = Verdict::Open(Compression::Off);
    entered
}

/// RFC 7692 section 6: any message may come as it is.
#[test]
fn a_batch_is_compressed_for_full_windows_and_raw_for_others() {
    let mut world = World::new();
    let (mut full, in_full) = enter_compressing(&mut world, 15);
    let (mut small, in_small) = enter_compressing(&mut world, 9);
    let (mut plain, in_plain) = world.enter();
    let texts = ["short".to_owned(), "compressible ".repeat(100)];
    world.fan_out(&texts, &[(in_full, 0), (in_small, 0), (in_plain, 1)]);
    let next = |client: &mut Client, world: &mut World| {
        let mut frame = None;
        world.until(|_| {
            client.read();
            frame = client.next();
            frame.is_some()
        });
        frame.unwrap()
    };
    let long = texts[1].clone().into_bytes();
    let raw = |text: &[u8]| (Opcode::Text, false, text.to_vec());
    assert_eq!(next(&mut full, &mut world), raw(b"short"));
    let (_, is_compressed, smaller) = next(&mut full, &mut world);
    assert!(is_compressed && smaller.len() < long.len() / 10);
    assert_eq!(Inflater::new().inflate(&smaller, &Bounds::default()), Ok(&long[..]));
    assert_eq!(next(&mut small, &mut world), raw(b"short"));
    assert_eq!(next(&mut small, &mut world), raw(&long));
    assert_eq!(next(&mut plain, &mut world), raw(&long));
    // What is for one alone is compressed for its own window.
    assert!(world.net.send(in_small, Opcode::Text, &long));
    world.turn();
    let (_, is_compressed, smaller) = next(&mut small, &mut world);
    assert!(is_compressed);
    assert_eq!(Inflater::new().inflate(&smaller, &Bounds::default()), Ok(&long[..]));
}

#[test]
fn a_batch_is_compressed_once_for_all() {
    let mut world = World::new();
    let mut members: Vec<_> = (0..3).map(|_| enter_compressing(&mut world, 15)).collect();
    let owed: Vec<_> = members.iter().map(|it| (it.1, 0)).collect();
    let mut batch = crate::Batch::new(vec!["again and again ".repeat(50)]);
    let mut overfull = Vec::new();
    world.net.fan_out(&mut batch, owed.iter().copied().take(2), &mut overfull);
    let first = batch.deflated(&mut Deflater::new(15)).after(0).0.as_ptr();
    world.net.fan_out(&mut batch, owed.iter().copied().skip(2), &mut overfull);
    assert_eq!(batch.deflated(&mut Deflater::new(15)).after(0).0.as_ptr(), first);
    for (client, _) in &mut members {
        world.until(|_| {
            client.read();
            client.next().is_some_and(|it| it.1)
        });
    }
}
