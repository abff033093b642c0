//! The checkout the commands work in.

use std::path::{Path, PathBuf};

/// A checkout of Contoso Events: where the app's definitions, its topology and its source are.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
}

/// No checkout here.
#[derive(Debug, thiserror::Error)]
#[error(
    "{start} is not inside a checkout of Contoso Events (no host.json beside function-definitions/ there or above); change into the clone, or say --project DIR"
)]
pub struct NoProject {
    start: String,
}

impl Project {
    /// The checkout that `start` lies in.
    ///
    /// # Errors
    /// When neither `start` nor any directory above it is one.
    pub fn find(start: &Path) -> Result<Self, NoProject> {
        let absolute = start.canonicalize().unwrap_or_else(|_| start.to_owned());
        absolute
            .ancestors()
            .find(|directory| directory.join("host.json").is_file() && directory.join("function-definitions").is_dir())
            .map(|root| Self { root: root.to_owned() })
            .ok_or_else(|| NoProject { start: absolute.display().to_string() })
    }

    /// Its top directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Settings of the Functions host.
    #[must_use]
    pub fn host_json(&self) -> PathBuf {
        self.root.join("host.json")
    }

    /// One folder a function, each with its `function.json`.
    #[must_use]
    pub fn definitions(&self) -> PathBuf {
        self.root.join("function-definitions")
    }

    /// Databases, hubs, containers and topics.
    #[must_use]
    pub fn topology(&self) -> PathBuf {
        self.root.join("topology.json")
    }

    /// Schemas of the events with their stored versions and examples, and the documents made of them.
    #[must_use]
    pub fn schemas(&self) -> PathBuf {
        self.root.join("schemas")
    }

    /// Bicep templates that deploy it.
    #[must_use]
    pub fn bicep(&self) -> PathBuf {
        self.root.join("bicep")
    }

    /// The part of the topology that Bicep templates read.
    #[must_use]
    pub fn bicep_topology(&self) -> PathBuf {
        self.bicep().join("topology.json")
    }

    /// Settings for Core Tools against the local stack on its default ports.
    #[must_use]
    pub fn local_settings(&self) -> PathBuf {
        self.root.join("local.settings.json.example")
    }

    /// Where `contoso package` puts the app unless told otherwise.
    #[must_use]
    pub fn app(&self) -> PathBuf {
        self.root.join("target").join("app")
    }
}
