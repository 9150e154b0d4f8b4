//! The structures below the machine. None of them knows what it keeps; each tells how many bytes
//! it has allocated and how many more its next insertion would take, so that the budget is asked first.

mod slab;
mod table;
mod wheel;

pub(crate) use self::slab::{NONE, Slab};
pub(crate) use self::table::Table;
pub(crate) use self::wheel::Wheel;
