//! Who asks: from the verified token to a user who exists, and to what they may see.

use proto::{Code, Identity, Refusal};

use crate::{
    health,
    notifications::Notifications,
    place::Place,
    project,
    user::{self, Role, User},
};

impl Notifications {
    /// The user a verified token names.
    ///
    /// The database decides who they are; what a message says about it is never asked (A10). A
    /// token with another role than the user has now is refused: its connection would be in
    /// channels of the old role for as long as the token lasts.
    pub(crate) async fn user_of(&self, identity: Option<&Identity>) -> Result<User, Refusal> {
        let identity = identity.ok_or(Code::AuthRequired)?;
        let id = user::id_in(identity.user.as_str()).ok_or(Code::AuthFailed)?;
        let found = self.store().ask(move |db| User::active(db, id)).await?;
        let user = found.ok_or_else(|| {
            Refusal::new(Code::AuthFailed).saying("This user does not exist or is not active.")
        })?;
        match identity.claim("role") {
            Some(claimed) if Role::parse(&claimed) != Some(user.role) => {
                let refusal = Refusal::new(Code::AuthFailed);
                Err(refusal.saying("Your role has changed. Sign in again."))
            }
            _ => Ok(user),
        }
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
