//! Stories of one store: what was submitted, and what is there afterwards.

mod fixtures;
mod order;
