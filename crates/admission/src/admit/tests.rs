//! Stories at the door.

mod answers;
mod fifteen;
mod keys;
mod limits;
mod live;
mod order;
mod seats;
mod secrecy;
mod sessions;
mod socketio;
