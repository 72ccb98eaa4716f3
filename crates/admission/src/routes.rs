//! Which route a path belongs to.

use limits::RouteIndex;
use permission::Captures;

use crate::route::{Route, RouteId};

/// All routes, in the order of the configuration: a [`RouteId`] is a place in it.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    routes: Vec<Route>,
    /// Places in `routes` in the order they are tried: literal segments before captures.
    by_precedence: Vec<usize>,
    /// For each route, the first of its name: further paths of one route share its limits.
    counted_as: Vec<u16>,
}

impl Routes {
    /// At most 65536; the configuration is refused long before.
    pub fn new(routes: Vec<Route>) -> Self {
        let first = |it: &Route| routes.iter().position(|other| other.name == it.name);
        let narrow = |it: usize| u16::try_from(it).unwrap_or(u16::MAX);
        let counted_as = routes.iter().map(|it| narrow(first(it).unwrap_or(0))).collect();
        let mut by_precedence: Vec<usize> = (0..routes.len()).collect();
        by_precedence.sort_by(|one, two| match (routes.get(*one), routes.get(*two)) {
            (Some(one), Some(two)) => one.path.precedence(&two.path),
            _ => one.cmp(two),
        });
        Self { routes, by_precedence, counted_as }
    }

    /// The route of a request's path, without its query.
    pub fn find(&self, path: &str) -> Option<(RouteId, &Route, Captures)> {
        self.by_precedence.iter().find_map(|index| {
            let route = self.routes.get(*index)?;
            let captures = route.path.matches(path)?;
            Some((RouteId(u16::try_from(*index).ok()?), route, captures))
        })
    }

    /// The route of that id; `None` if there is none, as after a change of the configuration.
    pub fn of(&self, id: RouteId) -> Option<&Route> {
        self.routes.get(usize::from(id.0))
    }

    /// Under which route its connections and attempts are counted: an alias must not double what an
    /// address may do.
    pub fn counted_as(&self, id: RouteId) -> RouteIndex {
        RouteIndex(self.counted_as.get(usize::from(id.0)).copied().unwrap_or(id.0))
    }

    /// All of them, with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (RouteId, &Route)> {
        (0..=u16::MAX).map(RouteId).zip(&self.routes)
    }

    /// The route of that name.
    pub fn named(&self, name: &str) -> Option<RouteId> {
        self.iter().find(|it| &*it.1.name == name).map(|it| it.0)
    }
}
