//! End-to-end tests of Contoso Events live in `it/`; this library is empty on purpose.
