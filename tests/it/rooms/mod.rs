//! The shape of the source: no file uses another that uses it in turn, and types and modules have the field's own names.

mod circles;
mod imports;
mod package;
mod style;
mod words;

use std::fmt::Write as _;

use self::package::Package;

/// Source folders, with what each package is called in paths.
const PACKAGES: [(&str, &str); 7] = [
    ("handlers/src", "contoso_handlers"),
    ("handlers/domain/src", "contoso_domain"),
    ("local/src", "contoso_local"),
    ("cli/src", "contoso_cli"),
    ("bicep-checker/src", "contoso_bicep"),
    ("cosmos-query/src", "contoso_cosmos_query"),
    ("schema-checker/src", "contoso_schema_checker"),
];

/// Circles that may be: a package, and where in it. All files of a circle are such a file, or in such a folder.
const ALLOWED: &[(&str, &[&str])] = &[
    // A subcommand's module has the arguments that its parts read.
    ("cli/src", &["bench/"]),
    ("cli/src", &["commands/"]),
    ("cli/src", &["evaluate/"]),
    ("cli/src", &["package/"]),
    ("cli/src", &["pages/"]),
    // The parts of a syntax tree hold each other, and what walks it does so by parts.
    ("bicep-checker/src", &["check/"]),
    ("bicep-checker/src", &["evaluate/"]),
    ("bicep-checker/src", &["policy/"]),
    ("bicep-checker/src", &["syntax/"]),
    // A page says where the next begins, which is behind one of its documents.
    ("cosmos-query/src", &["document.rs", "resume.rs"]),
    // Functions are handed what evaluates them, for its clock and its patterns, and what is evaluated names functions.
    ("cosmos-query/src", &["evaluate/mod.rs", "functions/", "resolved.rs"]),
    ("cosmos-query/src", &["plan/"]),
    ("cosmos-query/src", &["resolve/"]),
];

#[test]
fn no_file_uses_another_that_uses_it_in_turn() {
    let mut report = String::new();
    let mut unused: Vec<_> = ALLOWED.iter().collect();
    for (source, name) in PACKAGES {
        for circle in circles::circles(&imports::uses(&Package::read(source, name))) {
            let covers = |(package, files): &(&str, &[&str])| {
                let has = |file: &String| {
                    files.iter().any(|part| file == part || part.ends_with('/') && file.starts_with(part))
                };
                *package == source && circle.files.iter().all(has)
            };
            if ALLOWED.iter().any(covers) {
                unused.retain(|allowed| !covers(allowed));
                println!("{source}, allowed: {circle}");
            } else {
                writeln!(report, "{source}: {circle}").unwrap();
            }
        }
    }
    let advice = "move what both need to a file of its own, below them, or hand a value in";
    assert!(report.is_empty(), "files use each other in a circle; {advice}:\n{report}");
    assert!(unused.is_empty(), "ALLOWED lists circles that are gone, take them out: {unused:?}");
}

#[test]
fn types_and_modules_have_the_fields_own_names() {
    let mut report = String::new();
    for (source, name) in PACKAGES {
        let package = Package::read(source, name);
        for named in &package.types {
            if let Some(word) = words::own_word(&named.name) {
                let kind = if named.module { "module" } else { "type" };
                writeln!(report, "{source}/{}: {kind} {}: {word}", named.file, named.name).unwrap();
            }
        }
        for (name, files) in words::several_meanings(&package.types) {
            writeln!(report, "{source}: {name} has several meanings, in {}", files.join(", ")).unwrap();
        }
    }
    assert!(report.is_empty(), "give these the term that the field has for them:\n{report}");
}
