//! Afternoons in the hall, at random: whatever people and shards do, in the end everyone who asks
//! is told who is there.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::play;

/// Three people on each of three shards; two of them share a user.
const PEOPLE: u16 = 9;

fn deed() -> impl Strategy<Value = String> {
    let who = 0..PEOPLE;
    prop_oneof![
        4 => who.clone().prop_map(opens),
        8 => who.clone().prop_map(|it| format!("p{it} subscribes hall:3 #1")),
        3 => who.clone().prop_map(|it| format!("p{it} unsubscribes hall:3 #2")),
        3 => who.clone().prop_map(|it| format!("p{it} closes")),
        2 => who.clone().prop_map(|it| format!("p{it} shows away #3")),
        1 => who.clone().prop_map(|it| format!("p{it} shows offline #3")),
        1 => who.clone().prop_map(|it| format!("p{it} shows online #3")),
        2 => who.prop_map(|it| format!("p{it} types hall:3")),
        5 => (100..9000_u32).prop_map(|it| format!("+{it}ms")),
        1 => (0..3_u16).prop_map(|it| format!("shard {it} overflows")),
    ]
}

/// Again, perhaps: a connection that is closed is closed once more in vain.
fn opens(person: u16) -> String {
    format!("p{person} closes\np{person} opens user=u{} on={}", person / 2, person % 3)
}

/// How each person's connection is seen; nobody who is not in the hall.
fn those_in_the_hall(transcript: &str) -> BTreeMap<String, String> {
    let (mut shown, mut seated) = (BTreeMap::new(), BTreeMap::new());
    for line in transcript.lines() {
        let Some((name, rest)) = line.split_once(' ') else { continue };
        let words: Vec<&str> = rest.split(' ').collect();
        match words[..] {
            ["<-", "connected", ..] => drop(shown.insert(name, "online")),
            ["<-", "#1", "subscribed", ..] => drop(seated.insert(name, ())),
            ["<-", "#2", "unsubscribed", ..] | ["ended", ..] => drop(seated.remove(name)),
            ["<-", "#3", "shown", status] => drop(shown.insert(name, status)),
            _ => {}
        }
    }
    seated.into_keys().map(|it| (it.to_owned(), shown[it].to_owned())).collect()
}

proptest! {
    #[test]
    fn in_the_end_everyone_is_told_who_is_here(deeds in proptest::collection::vec(deed(), 1..60)) {
        let everyone = || (0..PEOPLE).map(|it| format!("p{it}"));
        let mut script: Vec<String> = (0..PEOPLE).map(opens).collect();
        script[..].iter_mut().for_each(|it| *it = it.split_once('\n').unwrap().1.to_owned());
        script.extend(deeds);
        // Whoever was lost is missed, and nobody is lost meanwhile.
        script.extend(everyone().map(|it| format!("{it} pongs")));
        script.extend(["+16s".to_owned(), "front asks who hall:3".to_owned()]);
        let transcript = play::play(3, &script.join("\n"));
        let told = transcript.lines().last().unwrap().strip_prefix("front 7 <- ").unwrap();

        let hall = those_in_the_hall(&transcript);
        let mut users: BTreeMap<String, (usize, &str)> = BTreeMap::new();
        for (person, status) in hall.iter().filter(|it| it.1 != "offline") {
            let user = format!("u{}", person[1..].parse::<u16>().unwrap() / 2);
            let seen = users.entry(user).or_insert((0, "away"));
            seen.0 += 1;
            if status == "online" {
                seen.1 = "online";
            }
        }
        let list = users.iter().map(|(user, (count, status))| {
            format!("{user} {status} since 0 on {count}, ")
        });
        let (list, count) = (list.collect::<String>(), users.len());
        let expected = format!("{list}{count} users, {} connections", hall.len());
        prop_assert_eq!(told, expected, "{}", transcript);
    }
}
