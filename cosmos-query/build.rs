include!("../tests/real_data.rs");

fn main() {
    real_data();
}
