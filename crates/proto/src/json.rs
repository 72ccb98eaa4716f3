//! The native dialect: JSON in, commands; events, JSON out.
