//! Prints a Bicep file as the formatter has it, or what is wrong with it: `cargo run --example bicepfmt -- main.bicep`.
//!
//! With several files, prints for each whether the formatter would change it.

#![expect(clippy::print_stdout, reason = "an example that prints")]

use std::{path::Path, process::ExitCode};

use contoso_bicep::{format::format, syntax::FileKind};

fn main() -> ExitCode {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let mut sound = true;
    for path in &paths {
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("{path}: cannot be read");
            sound = false;
            continue;
        };
        match format(&text, FileKind::of(Path::new(path))) {
            Ok(formatted) if paths.len() == 1 => print!("{formatted}"),
            Ok(formatted) if formatted == text => println!("{path}: formatted"),
            Ok(_) => println!("{path}: would change"),
            Err(diagnostics) => {
                sound = false;
                for diagnostic in diagnostics {
                    println!("{}", diagnostic.render(path, &text));
                }
            }
        }
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
