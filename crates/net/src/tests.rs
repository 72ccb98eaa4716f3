//! The net against real sockets: both ends in one thread, the clock in our hands, no sleep.

mod accepting;
mod deadlines;
mod fanning;
mod heads;
mod leaving;
mod moving;
mod pings;
mod proxy;
mod reading;
mod secure;
mod slow;
mod world;
mod writing;
