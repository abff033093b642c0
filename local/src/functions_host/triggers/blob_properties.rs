//! `BlobProperties` of Azure.Storage.Blobs as .NET serialises it: every member, also those that the service never sends.

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Map;

use crate::{
    blobs::Properties,
    functions_host::invocation::{Fraction, date_time_offset},
};

/// `DateTimeOffset.MinValue`, which stands for a time that is not there.
const NEVER: &str = "0001-01-01T00:00:00+00:00";

/// What is known of a blob, as binding data. Enumerations are numbers, and the entity tag, whose type has no public members, is an
/// empty object: do not rely on it. Of a lease nothing is known here.
pub(super) struct BlobProperties<'a>(pub(super) &'a Properties);

impl Serialize for BlobProperties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = self.0;
        let nothing: Map<String, serde_json::Value> = Map::new();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("LastModified", &date_time_offset(known.last_modified, Fraction::Kept))?;
        map.serialize_entry("CreatedOn", &date_time_offset(known.created, Fraction::Kept))?;
        map.serialize_entry("Metadata", &known.metadata)?;
        for none in ["ObjectReplicationDestinationPolicyId", "ObjectReplicationSourceProperties"] {
            map.serialize_entry(none, &())?;
        }
        map.serialize_entry("BlobType", &0)?;
        map.serialize_entry("CopyCompletedOn", NEVER)?;
        for none in ["CopyStatusDescription", "CopyId", "CopyProgress", "CopySource"] {
            map.serialize_entry(none, &())?;
        }
        map.serialize_entry("CopyStatus", &0)?;
        map.serialize_entry("BlobCopyStatus", &())?;
        map.serialize_entry("IsIncrementalCopy", &false)?;
        map.serialize_entry("DestinationSnapshot", &())?;
        map.serialize_entry("LeaseDuration", &0)?;
        map.serialize_entry("LeaseState", &0)?;
        map.serialize_entry("LeaseStatus", &1)?;
        map.serialize_entry("ContentLength", &known.length)?;
        map.serialize_entry("ContentType", &known.content_type)?;
        map.serialize_entry("ETag", &nothing)?;
        map.serialize_entry("ContentHash", &known.content_md5)?;
        map.serialize_entry("ContentEncoding", &known.content_encoding)?;
        map.serialize_entry("ContentDisposition", &known.content_disposition)?;
        map.serialize_entry("ContentLanguage", &known.content_language)?;
        map.serialize_entry("CacheControl", &known.cache_control)?;
        map.serialize_entry("BlobSequenceNumber", &0)?;
        map.serialize_entry("AcceptRanges", "bytes")?;
        map.serialize_entry("BlobCommittedBlockCount", &0)?;
        map.serialize_entry("IsServerEncrypted", &true)?;
        for none in ["EncryptionKeySha256", "EncryptionScope", "AccessTier"] {
            map.serialize_entry(none, &())?;
        }
        map.serialize_entry("AccessTierInferred", &false)?;
        map.serialize_entry("ArchiveStatus", &())?;
        map.serialize_entry("AccessTierChangedOn", NEVER)?;
        map.serialize_entry("VersionId", &())?;
        map.serialize_entry("IsLatestVersion", &false)?;
        map.serialize_entry("TagCount", &0)?;
        map.serialize_entry("ExpiresOn", NEVER)?;
        map.serialize_entry("IsSealed", &false)?;
        map.serialize_entry("RehydratePriority", &())?;
        map.serialize_entry("LastAccessed", NEVER)?;
        map.serialize_entry("ImmutabilityPolicy", &Policy { expires_on: (), policy_mode: () })?;
        map.serialize_entry("HasLegalHold", &false)?;
        map.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    expires_on: (),
    policy_mode: (),
}
