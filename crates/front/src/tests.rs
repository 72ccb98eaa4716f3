//! The HTTP side over real sockets, with a gateway that writes down what it is asked.

mod api;
mod auth;
mod health;
mod http;
mod idempotency;
mod logs;
mod pages;
mod presence;
mod secrets;
mod sessions;
mod tls;
mod world;
