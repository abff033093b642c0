//! Copies: new bytes for a blob or a block, made of those of another blob.

use std::collections::HashMap;

use super::{Replacement, Store, Transaction};
use crate::blobs::{
    bodies::{Draft, Pin, Segment},
    error::Failure,
    names::BlobPath,
    outbox::Api,
    record::{BlobRecord, Block, Content},
};

/// Copied bytes that nothing refers to yet.
pub(in crate::blobs) struct Copied {
    /// Ids of the blocks, with where their bytes are in `drafts`; `None` where the blob is in one piece.
    blocks: Option<Vec<(String, Option<usize>)>>,
    drafts: Vec<Draft>,
}

impl Store {
    /// Copies a blob's bytes block by block, so that the copy has the same blocks.
    ///
    /// # Errors
    /// A failing store.
    pub(in crate::blobs) fn copy_content(&self, pin: &Pin, content: &Content) -> Result<Copied, Failure> {
        let mut drafts = Vec::new();
        let blocks = match content {
            Content::Whole(_) => {
                drafts.push(self.copy_bytes(pin, 0, content.length())?.0);
                None
            }
            Content::Blocks(blocks) => {
                // A block may be listed several times; its bytes are there once.
                let mut seen: HashMap<Segment, usize> = HashMap::new();
                let mut at = 0;
                let mut copies = Vec::with_capacity(blocks.len());
                for block in blocks {
                    let end = at + block.length();
                    let copy = match block.segment {
                        None => None,
                        Some(segment) => Some(match seen.get(&segment) {
                            Some(&known) => known,
                            None => {
                                drafts.push(self.copy_bytes(pin, at, end)?.0);
                                seen.insert(segment, drafts.len() - 1);
                                drafts.len() - 1
                            }
                        }),
                    };
                    copies.push((block.id.clone(), copy));
                    at = end;
                }
                Some(copies)
            }
        };
        Ok(Copied { blocks, drafts })
    }

    /// Copies the pinned bytes from `from` to `to` (excluded), chunk by chunk; answers them with their MD5. All of them are in
    /// the store then, however many copies wait for their commit.
    ///
    /// # Errors
    /// A failing store.
    pub(in crate::blobs) fn copy_bytes(&self, pin: &Pin, from: u64, to: u64) -> Result<(Draft, [u8; 16]), Failure> {
        let mut upload = self.upload().with_md5();
        for slice in pin.slices(from, to) {
            upload.write(&pin.read(slice)?)?;
        }
        let (draft, md5) = upload.finish();
        Ok((draft.stored()?, md5.unwrap_or_default()))
    }

    /// Makes a copy the blob's content.
    ///
    /// # Errors
    /// [`Code::ContainerNotFound`](crate::blobs::Code::ContainerNotFound); what conditions and lease refuse.
    pub(in crate::blobs) fn put_copy(
        &self,
        path: &BlobPath,
        copied: Copied,
        replacement: Replacement,
    ) -> Result<BlobRecord, Failure> {
        let (record, news) = self.write(|transaction| {
            let old = self.replaceable(path, &replacement)?;
            self.drop_uncommitted(transaction, path)?;
            let content = copied.adopt(transaction);
            if let Some(old) = &old {
                transaction.disown(old.content.segments());
            }
            self.replace(transaction, path, old, content, replacement, Api::CopyBlob)
        })?;
        self.outbox.hand_on(&news)?;
        Ok(record)
    }
}

impl Copied {
    fn adopt(self, transaction: &mut Transaction<'_>) -> Content {
        let segments: Vec<_> = self.drafts.into_iter().map(|draft| transaction.adopt(draft)).collect();
        let segment = |at: usize| segments.get(at).copied().flatten();
        match self.blocks {
            None => Content::Whole(segment(0)),
            Some(blocks) => Content::Blocks(
                blocks.into_iter().map(|(id, at)| Block { id, segment: at.and_then(segment) }).collect(),
            ),
        }
    }
}
