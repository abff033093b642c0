//! The package: its zip runs where it is unpacked, and what is built for Azure starts on the image of the Functions host.

use std::{collections::BTreeSet, fs::File, path::Path};

use contoso_cli::package::Needs;
use serde_json::json;
use tempfile::TempDir;

use super::succeed;
use crate::support::{PROFILE, Shop, ShopOptions, contoso};

/// Packages into `out` and returns the zip.
fn packaged(out: &Path, arguments: &[&str]) -> std::path::PathBuf {
    let printed = succeed(contoso().arg("package").arg("--out").arg(out).args(arguments));
    let zip = out.with_extension("zip");
    assert_eq!(printed.trim(), zip.display().to_string());
    zip
}

/// As the host has it: nothing but the zip, in a folder of its own.
fn unpacked(zip: &Path) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let mut archive = zip::ZipArchive::new(File::open(zip).expect("a file")).expect("a zip");
    archive.extract(folder.path()).expect("unpacked");
    folder
}

#[tokio::test]
async fn the_unpacked_zip_runs_elsewhere() {
    runs_elsewhere(PROFILE).await;
}

/// `cargo test --workspace --profile local --test it -- --ignored the_optimised_zip` builds the handler alone and optimised, some ten minutes the first time.
#[tokio::test]
#[ignore = "builds the handler alone and optimised, which takes ten minutes"]
async fn the_optimised_zip_runs_elsewhere() {
    runs_elsewhere(&[]).await;
}

async fn runs_elsewhere(arguments: &[&str]) {
    let folder = TempDir::new().expect("a temporary folder");
    let zip = packaged(&folder.path().join("app"), arguments);
    let app = unpacked(&zip);
    drop(folder);
    let shop = Shop::start(ShopOptions { app: Some(app.path().to_owned()), ..ShopOptions::default() }).await;
    let rope = json!({"name": "Rope", "category": "Climbing", "price": {"amount": "12.50", "currency": "USD"}});
    shop.put_product("rope", &rope).await;
    shop.site_shows_price("rope", "12.50").await;
}

/// `cargo test -p contoso-tests --test it -- --ignored the_package_for_azure` builds the handler once more, with tools that it installs: some ten
/// minutes the first time, and crates.io and PyPI must be reachable.
#[test]
#[ignore = "builds the handler for the image of the Functions host, which takes ten minutes and the network"]
fn the_package_for_azure_starts_on_glibc_2_31_and_is_the_same_twice() {
    let folder = TempDir::new().expect("a temporary folder");
    let first = packaged(&folder.path().join("first"), &["--azure"]);
    let second = packaged(&folder.path().join("second"), &["--azure", "--no-build"]);
    assert!(std::fs::read(&first).expect("readable") == std::fs::read(&second).expect("readable"));

    let app = unpacked(&first);
    let needs = Needs::read(&app.path().join("contoso-handler")).expect("an executable");
    println!(
        "{} bytes zipped, {:?}, glibc {:?}",
        first.metadata().expect("there").len(),
        needs.libraries,
        needs.glibc()
    );
    assert!(needs.is_x86_64);
    assert!(needs.glibc().is_some_and(|version| version <= vec![2, 31]), "{needs:?}");
    let glibc = ["ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1"];
    let others: BTreeSet<_> = needs.libraries.iter().filter(|library| !glibc.contains(&library.as_str())).collect();
    assert!(others.is_empty(), "OpenSSL and the rest are built in: {others:?}");
}
