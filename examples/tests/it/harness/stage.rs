//! Who may use the machine when: what measures time needs it alone, everything else shares it.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static MACHINE: RwLock<()> = RwLock::new(());

/// Held by a test that plays in real time beside others.
pub(crate) fn shared() -> RwLockReadGuard<'static, ()> {
    // A test that failed has left nothing broken behind: its processes ended with it.
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Held by a test whose figures another one would spoil.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}
