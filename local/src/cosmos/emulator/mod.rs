//! Microsoft's emulator, hosted in memory, and what it needs to answer as the service does: requests are brought into
//! forms that it gets right, and what it changed is read from its answers.

pub(super) mod batch_patch;
pub(super) mod bulk;
pub(super) mod change;
pub(super) mod definition;
pub(super) mod etags;
pub(super) mod hosted;
pub(super) mod item;
pub(super) mod offers;
pub(super) mod patch;
pub(super) mod patch_limits;
pub(super) mod rules;
pub(super) mod sql;
