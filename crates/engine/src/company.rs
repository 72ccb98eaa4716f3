//! Who is in a channel with presence through one shard.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proto::{ConnId, Status, UserId};

use crate::input::Seats;

/// Members of one shard, as their channel's home is told of them. Nothing here for members of
/// channels without presence.
#[derive(Debug, Default)]
pub(crate) struct Company {
    users: BTreeMap<UserId, Chairs>,
    /// Connections without a user, and those that do not want to be seen.
    unnamed: u32,
    /// Members who are told who comes and goes (C4).
    pub(crate) watchers: u32,
}

/// The connections of one user, by how they want to be seen.
#[derive(Debug, Default)]
struct Chairs {
    online: u32,
    away: u32,
    /// The last one's words count.
    custom: Vec<(ConnId, Arc<str>)>,
}

impl Company {
    /// A connection has taken a seat; answers what the home is to be told.
    pub(crate) fn enter(&mut self, user: Option<&UserId>, conn: ConnId, status: &Status) -> Seats {
        let Some(user) = named(user, status) else {
            self.unnamed += 1;
            return Seats::unnamed(self.unnamed - 1, self.unnamed);
        };
        let chairs = self.users.entry(user.clone()).or_default();
        let was = chairs.count();
        match status {
            Status::Online => chairs.online += 1,
            Status::Away => chairs.away += 1,
            Status::Custom(text) => chairs.custom.push((conn, Arc::clone(text))),
            Status::Offline => {}
        }
        chairs.seats(user, was)
    }

    /// A connection that was seen so has given up its seat. Its user is missed after `grace`.
    pub(crate) fn exit(
        &mut self,
        user: Option<&UserId>,
        conn: ConnId,
        status: &Status,
        grace: Duration,
    ) -> Seats {
        let Some(user) = named(user, status) else {
            self.unnamed = self.unnamed.saturating_sub(1);
            return Seats::unnamed(self.unnamed + 1, self.unnamed);
        };
        let chairs = self.users.entry(user.clone()).or_default();
        let was = chairs.count();
        match status {
            Status::Online => chairs.online = chairs.online.saturating_sub(1),
            Status::Away => chairs.away = chairs.away.saturating_sub(1),
            Status::Custom(_) => chairs.custom.retain(|it| it.0 != conn),
            Status::Offline => {}
        }
        let seats = Seats { grace, ..chairs.seats(user, was) };
        if seats.count == 0 {
            self.users.remove(user);
        }
        seats
    }

    /// A connection that was seen so wants to be seen otherwise.
    pub(crate) fn change(
        &mut self,
        user: &UserId,
        conn: ConnId,
        from: &Status,
        to: &Status,
    ) -> Vec<Seats> {
        let before = self.exit(Some(user), conn, from, Duration::ZERO);
        let after = self.enter(Some(user), conn, to);
        match before.user == after.user {
            true => vec![Seats { was: before.was, ..after }],
            false => vec![before, after],
        }
    }

    /// Everything the home is to know, for one that knows nothing.
    pub(crate) fn all(&self) -> Vec<Seats> {
        let unnamed = (self.unnamed != 0).then(|| Seats::unnamed(0, self.unnamed));
        self.users.iter().map(|it| it.1.seats(it.0, 0)).chain(unnamed).collect()
    }
}

/// Whom a connection stands for: nobody, if it does not want to be seen.
fn named<'a>(user: Option<&'a UserId>, status: &Status) -> Option<&'a UserId> {
    user.filter(|_| *status != Status::Offline)
}

impl Chairs {
    fn count(&self) -> u32 {
        let custom = u32::try_from(self.custom.len()).unwrap_or(u32::MAX);
        self.online.saturating_add(self.away).saturating_add(custom)
    }

    fn status(&self) -> Status {
        match self.custom.last() {
            _ if 0 < self.online => Status::Online,
            Some((_, text)) => Status::Custom(Arc::clone(text)),
            None if 0 < self.away => Status::Away,
            None => Status::Online,
        }
    }

    fn seats(&self, user: &UserId, was: u32) -> Seats {
        Seats {
            user: Some(user.clone()),
            was,
            count: self.count(),
            status: self.status(),
            grace: Duration::ZERO,
        }
    }
}

impl Seats {
    const fn unnamed(was: u32, count: u32) -> Self {
        Self { user: None, was, count, status: Status::Online, grace: Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(15);

    fn told(seats: &Seats) -> String {
        let user = seats.user.as_ref().map_or("-", |it| it.as_str());
        let (was, count, grace) = (seats.was, seats.count, seats.grace.as_secs());
        format!("{user} {was}..{count} {} {grace}s", seats.status.as_str())
    }

    #[test]
    fn the_strongest_of_several_connections_counts() {
        let mut company = Company::default();
        let ann = UserId::parse("ann").unwrap();
        let conn = |it| ConnId::new(it, 0);
        let custom = |it: &str| Status::Custom(it.into());
        let user = Some(&ann);
        assert_eq!(told(&company.enter(user, conn(1), &Status::Away)), "ann 0..1 away 0s");
        assert_eq!(told(&company.enter(user, conn(2), &custom("tea"))), "ann 1..2 tea 0s");
        assert_eq!(told(&company.enter(user, conn(3), &custom("pie"))), "ann 2..3 pie 0s");
        let back = company.change(&ann, conn(3), &custom("pie"), &Status::Online);
        assert_eq!(back.iter().map(told).collect::<Vec<_>>(), ["ann 3..3 online 0s"]);
        let words = company.change(&ann, conn(2), &custom("tea"), &custom("rum"));
        assert_eq!(words.iter().map(told).collect::<Vec<_>>(), ["ann 3..3 online 0s"]);
        company.change(&ann, conn(2), &custom("rum"), &custom("tea"));
        let hides = company.change(&ann, conn(3), &Status::Online, &Status::Offline);
        let hides: Vec<_> = hides.iter().map(told).collect();
        assert_eq!(hides, ["ann 3..2 tea 0s", "- 0..1 online 0s"]);
        let all: Vec<_> = company.all().iter().map(told).collect();
        assert_eq!(all, ["ann 0..2 tea 0s", "- 0..1 online 0s"]);
        assert_eq!(told(&company.exit(user, conn(2), &custom("tea"), GRACE)), "ann 2..1 away 15s");
        assert_eq!(told(&company.exit(user, conn(1), &Status::Away, GRACE)), "ann 1..0 online 15s");
        let hidden = company.exit(user, conn(3), &Status::Offline, GRACE);
        assert_eq!(told(&hidden), "- 1..0 online 0s");
        assert!(company.users.is_empty() && company.unnamed == 0);
    }
}
