//! Bicep: what its templates are given of `topology.json`.

pub mod built_in_roles;
pub mod grants;
#[cfg(test)]
mod limits;
pub mod slice;
