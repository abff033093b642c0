//! The certificate authority, made once for each data directory, and the certificate that the services show.
//!
//! The authority may sign only for this machine (name constraints, RFC 5280 §4.2.1.10): whoever trusts it and loses its key
//! has lost nothing but loopback. The server's certificate is made anew at each start and kept in memory.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use openssl::{
    asn1::Asn1Time,
    bn::{BigNum, MsbOption},
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    x509::{
        X509, X509Builder, X509Extension, X509NameBuilder,
        extension::{
            AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
            SubjectKeyIdentifier,
        },
    },
};

use super::error::Error;
use crate::{
    storage,
    transport::{HostName, Hosts, Tls},
};

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca-key.pem";

/// Days of validity: clients refuse server certificates of more than 825.
const AUTHORITY_DAYS: u32 = 3650;
const SERVER_DAYS: u32 = 365;

/// What the authority may sign for, in OpenSSL's notation.
const NAME_CONSTRAINTS: &str = "critical,permitted;DNS:localhost,permitted;IP:127.0.0.0/255.0.0.0,\
     permitted;IP:0:0:0:0:0:0:0:1/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF";

/// The authority in its folder.
pub(super) struct Authority {
    dir: PathBuf,
    certificate: X509,
    key: PKey<Private>,
}

impl Authority {
    /// Reads the authority in `dir`; makes one where there is none.
    pub(super) fn open(dir: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Certificates { path: dir.to_owned(), source };
        make_dir(dir)?;
        // Absolute, since apps that trust the authority run elsewhere.
        let dir =
            &dir.canonicalize().map_err(|source| Error::File { operation: "resolve", path: dir.to_owned(), source })?;
        let kept = read(&dir.join(CERTIFICATE))?.zip(read(&dir.join(KEY))?);
        let (certificate, key) = match kept {
            Some((certificate, key)) => {
                (X509::from_pem(&certificate).map_err(failed)?, PKey::private_key_from_pem(&key).map_err(failed)?)
            }
            None => {
                let key = new_key().map_err(failed)?;
                let certificate = authority(&key).map_err(failed)?;
                // The key first: a certificate without its key would be worth nothing.
                write(&dir.join(KEY), &key.private_key_to_pem_pkcs8().map_err(failed)?)?;
                write(&dir.join(CERTIFICATE), &certificate.to_pem().map_err(failed)?)?;
                (certificate, key)
            }
        };
        Ok(Self { dir: dir.to_owned(), certificate, key })
    }

    pub(super) fn certificate_path(&self) -> PathBuf {
        self.dir.join(CERTIFICATE)
    }

    /// A fresh certificate for the names of this machine, ready to serve `hosts`.
    pub(super) fn server(&self, hosts: &Hosts) -> Result<Tls, Error> {
        let made = new_key().and_then(|key| Tls::new(&self.sign(&key, hosts)?, &key, hosts.clone()));
        made.map_err(|source| Error::Certificates { path: self.dir.clone(), source })
    }

    fn sign(&self, key: &PKey<Private>, hosts: &Hosts) -> Result<X509, ErrorStack> {
        let mut builder = builder("localhost", SERVER_DAYS, key)?;
        builder.set_issuer_name(self.certificate.subject_name())?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
        let mut names = SubjectAlternativeName::new();
        names.dns("localhost").ip("127.0.0.1").ip("::1");
        // A name that the authority may not sign for would cost the whole certificate its validity.
        for name in hosts.added().filter_map(HostName::below_localhost) {
            names.dns(name);
        }
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let names = names.build(&context)?;
        let issuer = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
        builder.append_extension(names)?;
        builder.append_extension(issuer)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(builder.build())
    }
}

fn authority(key: &PKey<Private>) -> Result<X509, ErrorStack> {
    let mut builder = builder("Local Stack Authority", AUTHORITY_DAYS, key)?;
    let name = subject("Local Stack Authority")?;
    builder.set_issuer_name(&name)?;
    builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
    builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    let context = builder.x509v3_context(None, None);
    let identifier = SubjectKeyIdentifier::new().build(&context)?;
    #[expect(deprecated, reason = "there is no typed builder for name constraints")]
    let constraints = X509Extension::new_nid(None, Some(&context), Nid::NAME_CONSTRAINTS, NAME_CONSTRAINTS)?;
    builder.append_extension(identifier)?;
    builder.append_extension(constraints)?;
    builder.sign(key, MessageDigest::sha256())?;
    Ok(builder.build())
}

/// What every certificate has: version, serial number, subject, validity, key.
fn builder(name: &str, days: u32, key: &PKey<Private>) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(&*subject(name)?)?;
    builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(days)?)?;
    builder.set_pubkey(key)?;
    Ok(builder)
}

fn subject(name: &str) -> Result<openssl::x509::X509Name, ErrorStack> {
    let mut subject = X509NameBuilder::new()?;
    subject.append_entry_by_nid(Nid::COMMONNAME, name)?;
    Ok(subject.build())
}

/// A key on the curve P-256.
pub(super) fn new_key() -> Result<PKey<Private>, ErrorStack> {
    PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?)?)
}

fn make_dir(dir: &Path) -> Result<(), Error> {
    let failed = |operation| move |source| Error::File { operation, path: dir.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed("create"))?;
    storage::tighten(dir).map_err(failed("keep others out of"))
}

/// The file's content; nothing where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::File { operation: "read", path: path.to_owned(), source }),
    }
}

/// Writes a file that only its owner may read.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    let written = storage::replace(path, content, 0o600);
    written.map_err(|source| Error::File { operation: "write", path: path.to_owned(), source })
}
