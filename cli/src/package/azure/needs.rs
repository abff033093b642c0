//! What an executable asks of the machine it starts on: shared libraries and versions of their symbols, as its ELF headers say
//! (`DT_NEEDED` and `.gnu.version_r`, Linux Standard Base 5.0, chapter "Symbol Versioning").

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use object::{
    Endianness, elf,
    read::elf::{ElfFile64, FileHeader, Sym},
};

use super::super::{PackageError, read_bytes};

/// The image that the Functions host starts the handler in.
#[derive(Clone, Copy, Debug)]
pub(super) struct BaseImage {
    /// The version of its glibc.
    pub(super) glibc: &'static [u32],
    /// The shared libraries that a handler may count on.
    pub(super) libraries: &'static [&'static str],
}

/// What the dynamic linker must find before an executable starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Whether it is for Linux on x86-64, as the Functions host is.
    pub is_x86_64: bool,
    /// Names of shared libraries.
    pub libraries: BTreeSet<String>,
    /// Versions of glibc's symbols (`GLIBC_2.17`), each with the symbols that ask for it. The linker wants every version that is
    /// listed, even one that no symbol asks for.
    pub versions: BTreeMap<String, BTreeSet<String>>,
}

impl Needs {
    /// Reads the headers of the executable `file`.
    ///
    /// # Errors
    /// When it cannot be read or is no ELF file of 64 bits.
    pub fn read(file: &Path) -> Result<Self, PackageError> {
        Self::parse(&read_bytes(file)?)
            .map_err(|error| PackageError::Executable { file: file.display().to_string(), reason: error.to_string() })
    }

    fn parse(bytes: &[u8]) -> object::Result<Self> {
        let file = ElfFile64::<Endianness>::parse(bytes)?;
        let (endian, sections) = (file.endian(), file.elf_section_table());
        let mut needs = Self { is_x86_64: file.elf_header().e_machine(endian) == elf::EM_X86_64, ..Self::default() };

        let dynamic = sections.dynamic_table(endian, bytes)?;
        for entry in dynamic.iter().filter(|entry| entry.tag == elf::DT_NEEDED) {
            needs.libraries.insert(text(dynamic.string(entry)?));
        }

        if let Some((mut libraries, link)) = sections.gnu_verneed(endian, bytes)? {
            let strings = sections.strings(endian, bytes, link)?;
            while let Some((_, mut versions)) = libraries.next()? {
                while let Some(version) = versions.next()? {
                    needs.versions.entry(text(version.name(endian, strings)?)).or_default();
                }
            }
        }

        let symbols = sections.symbols(endian, bytes, elf::SHT_DYNSYM)?;
        if let Some(table) = sections.versions(endian, bytes)? {
            for (index, symbol) in symbols.enumerate().filter(|(_, symbol)| symbol.is_undefined(endian)) {
                if let Some(version) = table.version(table.version_index(endian, index).index())? {
                    let name = text(symbols.symbol_name(endian, symbol)?);
                    needs.versions.entry(text(version.name())).or_default().insert(name);
                }
            }
        }
        Ok(needs)
    }

    /// The highest version of glibc that is asked for, as numbers: `[2, 30]`.
    #[must_use]
    pub fn glibc(&self) -> Option<Vec<u32>> {
        self.versions.keys().filter_map(|version| numbers(version)).max()
    }

    /// What `image` does not have, in words; nothing where the executable starts there.
    pub(super) fn missing_in(&self, image: &BaseImage) -> Vec<String> {
        let mut missing = Vec::new();
        if !self.is_x86_64 {
            missing.push("it is not for x86-64".to_owned());
        }
        for library in self.libraries.iter().filter(|library| !image.libraries.contains(&library.as_str())) {
            missing.push(format!("it needs the library {library}"));
        }
        // GLIBC_PRIVATE and GLIBC_ABI_DT_RELR have no number, and promise nothing about the version.
        let is_newer = |version: &str| {
            version.starts_with("GLIBC_") && numbers(version).is_none_or(|numbers| numbers.as_slice() > image.glibc)
        };
        for (version, symbols) in self.versions.iter().filter(|(version, _)| is_newer(version)) {
            let symbols: Vec<_> = symbols.iter().map(String::as_str).collect();
            missing.push(format!(
                "it needs {version}{}{}",
                if symbols.is_empty() { "" } else { " for " },
                symbols.join(", ")
            ));
        }
        missing
    }
}

/// The numbers of `GLIBC_2.2.5`.
fn numbers(version: &str) -> Option<Vec<u32>> {
    version.strip_prefix("GLIBC_")?.split('.').map(|number| number.parse().ok()).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    /// This test is an executable too, with needs of this machine.
    fn own() -> Needs {
        Needs::read(&std::env::current_exe().expect("a path")).expect("an ELF file")
    }

    #[test]
    fn the_headers_name_libraries_symbols_and_their_versions() {
        let needs = own();
        assert!(needs.libraries.contains("libc.so.6"), "{needs:?}");
        let starts = needs.versions.iter().find(|(_, symbols)| symbols.contains("__libc_start_main"));
        assert!(starts.is_some_and(|(version, _)| version.starts_with("GLIBC_2.")), "{needs:?}");
        assert!(needs.glibc().is_some_and(|version| version.as_slice() > [2, 2].as_slice()), "{needs:?}");

        let script = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(script.path(), "#!/bin/sh\n").expect("written");
        assert!(matches!(Needs::read(script.path()), Err(PackageError::Executable { .. })));
    }

    #[test]
    fn an_older_glibc_or_a_library_less_is_refused_by_name() {
        let libraries: &[&str] = &["libc.so.6", "libm.so.6"];
        let image = BaseImage { glibc: &[2, 31], libraries };
        let symbols = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let mut needs = Needs {
            is_x86_64: true,
            libraries: symbols(libraries),
            versions: BTreeMap::from([
                ("GLIBC_2.2.5".to_owned(), symbols(&["read"])),
                // Text would put it after 2.31.
                ("GLIBC_2.4".to_owned(), symbols(&["__stack_chk_fail"])),
                ("GLIBC_2.31".to_owned(), symbols(&[])),
                ("GCC_3.0".to_owned(), symbols(&["_Unwind_Resume"])),
            ]),
        };
        assert_eq!((needs.missing_in(&image), needs.glibc()), (Vec::new(), Some(vec![2, 31])));

        needs.libraries.insert("libssl.so.3".to_owned());
        needs.versions.insert("GLIBC_2.34".to_owned(), symbols(&["__libc_start_main", "dlsym"]));
        needs.versions.insert("GLIBC_ABI_DT_RELR".to_owned(), symbols(&[]));
        needs.is_x86_64 = false;
        assert_eq!(
            needs.missing_in(&image),
            [
                "it is not for x86-64",
                "it needs the library libssl.so.3",
                "it needs GLIBC_2.34 for __libc_start_main, dlsym",
                "it needs GLIBC_ABI_DT_RELR",
            ]
        );
        // The same of a real executable.
        let missing = own().missing_in(&BaseImage { glibc: &[2, 2, 4], libraries: &[] });
        assert!(missing.iter().any(|line| line == "it needs the library libc.so.6"), "{missing:?}");
        assert!(
            missing.iter().any(|line| line.starts_with("it needs GLIBC_2.") && line.contains(" for ")),
            "{missing:?}"
        );
    }
}
