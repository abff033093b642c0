//! What is kept of sales: files and their reports in blob storage, invoices and daily totals in Cosmos DB.

pub mod days;
pub mod files;
pub mod invoices;
mod turns;
