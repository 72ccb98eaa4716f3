//! Stories of one store: what was submitted, and what is there afterwards.

mod damage;
mod fixtures;
mod inspection;
mod keeping;
mod model;
mod order;
mod outage;
mod rows;
