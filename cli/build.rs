//! A file added to `web/` is part of the program too; the macro that embeds them sees only those it knows.

fn main() {
    println!("cargo:rerun-if-changed=../web");
}
