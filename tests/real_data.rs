// Included by the build scripts of packages whose tests read the real data set, in the folder `env!("REAL_DATA")`: where it is
// absent, those tests are ignored, which the test runner counts; where `CONTOSO_REAL_DATA=required`, they run, and fail without it.

#[expect(clippy::disallowed_methods, reason = "variables are what a build script is told by")]
fn real_data() {
    println!("cargo::rustc-check-cfg=cfg(real_data)");
    println!("cargo::rerun-if-env-changed=CONTOSO_DATA");
    println!("cargo::rerun-if-env-changed=CONTOSO_REAL_DATA");
    // This text stands in build scripts at several depths; the checkout is where its lock file is.
    let package = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let checkout = package.ancestors().find(|folder| folder.join("Cargo.lock").exists()).unwrap_or(package);
    let beside = checkout.join("../shared/data").display().to_string();
    let root = std::env::var("CONTOSO_DATA").unwrap_or(beside);
    let is_here = std::path::Path::new(&root).is_dir();
    // A path that does not exist counts as changed at each build, so every build would compile this package again. The
    // price: data that appears later is seen once one of the two variables is set.
    if is_here {
        println!("cargo::rerun-if-changed={root}");
    }
    println!("cargo::rustc-env=REAL_DATA={root}");
    let required = std::env::var("CONTOSO_REAL_DATA").is_ok_and(|value| value == "required");
    if required || is_here {
        println!("cargo::rustc-cfg=real_data");
    }
}
