include!("../real_data.rs");
