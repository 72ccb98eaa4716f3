//! What an application is, and what it may ask of the gateway.
//!
//! An application decides what a client's message *means*. It is told who connected, what they said
//! and when they left, and answers with [`Action`]s. It sees no socket, no frame and no other
//! dialect.

mod app; // Start here.

pub mod claimed;
mod echo;
mod gateway;
pub mod login;
mod logs;
mod register;
pub mod rest;
mod visitor;

pub use crate::{
    app::App,
    echo::Echo,
    gateway::{Description, Gateway, Person, Post, Selection},
    logs::{Logs, Reading},
    register::{Exchanged, Register, RevocationView, Revoke, Revoked, SessionView, Subject, Which},
    visitor::Visitor,
};
pub use proto::{Action, Message, Reach, ReplyId, Values};
