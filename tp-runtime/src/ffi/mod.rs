//! The only place that talks to memory the compiler does not know.
#![allow(unsafe_code)]

pub(crate) mod map;
