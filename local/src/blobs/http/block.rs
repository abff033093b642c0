//! Operations on blocks.

use http::StatusCode;

use super::{
    RequestBody, Service, blob,
    reply::Reply,
    request::{Call, unusable},
    transfer,
    xml::{self, branch},
};
use crate::{
    blobs::{
        error::{Code, Failure},
        names::BlobPath,
        record::Block,
    },
    storage_account::auth::Grant,
};

/// Most bytes of a block.
pub(super) const MAX_BLOCK: u64 = 4000 * 1024 * 1024;
/// Most bytes of a block list, which holds at most 50,000 ids.
const MAX_BLOCK_LIST: u64 = 16 * 1024 * 1024;

impl Service {
    pub(super) async fn put_block(
        &self,
        call: &Call,
        path: &BlobPath,
        body: &mut RequestBody,
    ) -> Result<Reply, Failure> {
        let missing = || Failure::refused(Code::MissingRequiredQueryParameter, "Parameter: blockid.");
        let id = call.query.get("blockid").ok_or_else(missing)?.to_owned();
        // The service tells so of this header.
        if call.parsed::<u64>("content-length")? == Some(0) {
            return Err(unusable("content-length"));
        }
        let expected = call.md5("content-md5")?;
        let lease = call.lease()?;
        self.before_body(path).await?;
        let upload = self.store.upload();
        let upload = if expected.is_some() { upload.with_md5() } else { upload };
        let (draft, md5) = transfer::receive(call, body, upload, MAX_BLOCK).await?;
        let md5 = md5.map(transfer::base64);
        if let Some(md5) = &md5 {
            transfer::check_md5(expected, md5)?;
        }
        let path = path.clone();
        self.store_body(move |store| store.put_block(&path, &id, draft, lease)).await?;
        Ok(Reply::new(StatusCode::CREATED).optional("content-md5", md5).header("x-ms-request-server-encrypted", "true"))
    }

    pub(super) async fn put_block_list(
        &self,
        call: &Call,
        grant: &Grant,
        path: &BlobPath,
        body: &mut RequestBody,
    ) -> Result<Reply, Failure> {
        let replacement = self.replacement(call, grant, path, false)?;
        call.check_length(MAX_BLOCK_LIST)?;
        let limit = usize::try_from(MAX_BLOCK_LIST).unwrap_or(usize::MAX);
        let document = body.read(limit).await.map_err(|error| Failure::Body(error.into()))?;
        let choices = xml::read_block_list(&document)?;
        let path = path.clone();
        let record = self.on_store(move |store| store.put_block_list(&path, choices, replacement)).await?;
        Ok(blob::written(StatusCode::CREATED, &record))
    }

    pub(super) async fn get_block_list(&self, call: &Call, path: &BlobPath) -> Result<Reply, Failure> {
        let (committed, uncommitted) = match call.query.word("blocklisttype").as_deref() {
            None | Some("committed") => (true, false),
            Some("uncommitted") => (false, true),
            Some("all") => (true, true),
            Some(_) => {
                let detail = "Parameter: blocklisttype.";
                return Err(Failure::refused(Code::InvalidQueryParameterValue, detail));
            }
        };
        let (access, path) = (call.read_access()?, path.clone());
        let lists = self.on_store(move |store| store.block_lists(&path, &access)).await?;
        let blob = lists.blob.as_ref();
        let document = xml::document(|xml| {
            branch(xml, "BlockList", |xml| {
                if committed {
                    let blocks: &[Block] = blob.map_or(&[], |blob| blob.content.blocks());
                    xml::blocks(xml, "CommittedBlocks", blocks)?;
                }
                if uncommitted {
                    xml::blocks(xml, "UncommittedBlocks", &lists.uncommitted)?;
                }
                Ok(())
            })
        })?;
        let reply = Reply::xml(StatusCode::OK, document);
        Ok(match blob {
            Some(blob) => reply
                .version(blob.etag, blob.last_modified)
                .header("x-ms-blob-content-length", blob.content.length().to_string()),
            None => reply,
        })
    }
}
