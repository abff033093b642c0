include!("../tests/real_data.rs");

fn main() {
    // A file added to `web/` is part of the program too; the macro that embeds them sees only those it knows.
    println!("cargo::rerun-if-changed=../web");
    real_data();
}
