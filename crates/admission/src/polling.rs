//! Requests of Socket.IO clients that come without a WebSocket: long polling.

use std::net::IpAddr;

use proto::{Code, Dialect, Refusal};
use wire::Head;

use crate::{
    admit::{Arrival, shown, unwelcome},
    auth,
    client::Client,
    origin,
    route::{Route, RouteId},
    tables::{Door, Tables},
    verdict::{Admitted, Needs},
};

/// Whether the page that asks may poll here, and by which route. Asked of every request; the Host
/// has been looked at.
pub fn welcome<'a>(
    head: &Head<'_>,
    peer: IpAddr,
    tls: bool,
    door: &'a Door,
) -> Result<(RouteId, &'a Route), Refusal> {
    let found = door.routes.find(head.path());
    let found = found.filter(|it| it.1.dialect == Dialect::SocketIo);
    let (id, route, _) = found.ok_or(Code::NoSuchRoute)?;
    origin::judge(route, head, tls || door.proxies.saw_tls(head, peer)).map_err(unwelcome)?;
    Ok((id, route))
}

/// Decides on a request that begins a session, as [`admit`](crate::admit) does on a handshake:
/// Origin, Limits, Monitoring. Who it is, is told for each namespace.
pub fn admit_polling(
    arrival: &Arrival<'_>,
    tables: &mut Tables<'_>,
) -> Result<Box<Admitted>, Refusal> {
    let Arrival { head, peer, tls, moment } = *arrival;
    let door = tables.door;
    tables.tallies.asked += 1;
    let admitted = welcome(head, peer, tls, door).and_then(|(id, route)| {
        let address = door.proxies.client(head, peer);
        let counted_as = door.routes.counted_as(id);
        let seat = tables.limits.admit(moment.now, counted_as, address.into());
        let seat = seat.map_err(auth::limited)?;
        let captures = door.routes.find(head.path()).map(|it| it.2);
        let client = route.sessions.as_ref().map_or_else(Client::default, |_| Client::of(head));
        Ok(Box::new(Admitted {
            route: id,
            identity: None,
            needs: Needs::Nothing,
            client,
            channels: Vec::new(),
            shown: shown(route, head),
            captures: captures.unwrap_or_default(),
            address,
            seat,
            protocol: None,
            deflate: None,
            response: Vec::new(),
        }))
    });
    match &admitted {
        Ok(_) => {
            tables.tallies.entered += 1;
            tables.tallies.awaited += 1;
        }
        Err(refusal) => tables.tallies.refuse(refusal.code),
    }
    admitted
}
