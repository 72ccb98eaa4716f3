//! Who asks: from the verified token to a user, and to what they may see.

use app::{Selection, Visitor};
use proto::{Code, Identity, Refusal};

use crate::{
    health,
    notifications::Notifications,
    place::Place,
    project,
    stated::{Standing, Stated},
    user::User,
};

impl Notifications {
    /// The user a verified token names, remembered from now on.
    ///
    /// The token's issuer says who they are; what a message says about it is never asked (A10).
    pub(crate) async fn user_of(&self, identity: Option<&Identity>) -> Result<User, Refusal> {
        let claimed = Stated::parse(identity.ok_or(Code::AuthRequired)?).ok_or_else(|| {
            failed("A user's id is of letters, digits and _ . @ - here, at most 128 of them.")
        })?;
        match self.store().ask(move |db| claimed.settle(db)).await? {
            Standing::Known(user) => Ok(user),
            Standing::Changed(user) => {
                self.part_from_old_role(&user).await;
                Ok(user)
            }
            Standing::Outdated => Err(failed(ROLE_CHANGED)),
            Standing::Removed => Err(failed("This user was removed.")),
        }
    }

    /// Their other connections are in channels of the role they no longer have. The one that
    /// brought the news is not open yet.
    async fn part_from_old_role(&self, user: &User) {
        let whom = Selection::User(user.id.clone());
        if let Err(refusal) = self.gateway().disconnect(whom, failed(ROLE_CHANGED)).await {
            tracing::warn!(code = %refusal.code, "connections of an old role are still open");
        }
    }

    /// The name of a connection's user, who may have been removed meanwhile.
    pub(crate) async fn username(&self, visitor: &Visitor) -> Option<String> {
        let id = app::claimed::id_in(visitor.user())?;
        let found = self.store().ask(move |db| User::find(db, &id)).await;
        found.ok().flatten().map(|it| it.username)
    }

    /// May this user be here? Asked before the upgrade and again with every message, since a
    /// project can change hands while a connection lasts.
    pub(crate) async fn admit_user(&self, user: &User, place: &Place) -> Result<(), Refusal> {
        match place {
            Place::Notifications | Place::Room(_) => Ok(()),
            Place::Health => health::is_open_to(user),
            Place::Project { id, .. } => {
                let (id, user) = (*id, user.clone());
                let is_open =
                    self.store().ask(move |db| project::is_open_to(db, &user, id)).await?;
                let refusal = Refusal::new(Code::Forbidden).saying("This project is not yours.");
                if is_open { Ok(()) } else { Err(refusal) }
            }
        }
    }
}

const ROLE_CHANGED: &str = "Your role has changed. Sign in again.";

fn failed(sentence: &'static str) -> Refusal {
    Refusal::new(Code::AuthFailed).saying(sentence)
}
