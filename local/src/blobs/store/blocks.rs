//! Blocks: staged one by one, then committed as a blob.

use std::collections::{BTreeMap, HashSet};

use base64::{Engine, prelude::BASE64_STANDARD};
use uuid::Uuid;

use super::{Access, Replacement, Store, Transaction, decode, read};
use crate::blobs::{
    bodies::Draft,
    error::{Code, Failure},
    names::BlobPath,
    outbox::Api,
    record::{BlobRecord, Block, Content},
};

/// Most blocks of a blob.
const MAX_BLOCKS: usize = 50_000;

/// One line of a block list: where to take the block from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::blobs) enum BlockChoice {
    Committed(String),
    Uncommitted(String),
    /// The uncommitted one, or else the committed one.
    Latest(String),
}

/// The blocks of a blob.
#[derive(Debug)]
pub(in crate::blobs) struct BlockLists {
    /// `None` while nothing was ever committed.
    pub(in crate::blobs) blob: Option<BlobRecord>,
    pub(in crate::blobs) uncommitted: Vec<Block>,
}

impl Store {
    /// Stages a block.
    ///
    /// # Errors
    /// [`Code::InvalidBlockId`], [`Code::InvalidBlobOrBlock`], [`Code::ContainerNotFound`], what the lease refuses.
    pub(in crate::blobs) fn put_block(
        &self,
        path: &BlobPath,
        id: &str,
        draft: Draft,
        lease: Option<Uuid>,
    ) -> Result<(), Failure> {
        let length = id_length(id)?;
        self.write(|transaction| {
            self.existing_container(&path.container)?;
            let blob = self.blob(path)?;
            if let Some(blob) = &blob {
                blob.lease.permit_write(lease, self.now_millis())?;
            }
            let staged: Option<Block> = match self.blocks.prefix(path.block_prefix()).next() {
                Some(entry) => Some(decode(&entry.value()?, || format!("block of {path}"))?),
                None => None,
            };
            let committed = blob.as_ref().and_then(|blob| blob.content.blocks().first());
            if let Some(other) = staged.as_ref().or(committed)
                && id_length(&other.id)? != length
            {
                return Err(Code::InvalidBlobOrBlock.into());
            }
            let key = path.block_key(id);
            let old: Option<Block> = read(&self.blocks, &key, || format!("block {id} of {path}"))?;
            transaction.disown(old.and_then(|block| block.segment));
            let block = Block { id: id.to_owned(), segment: transaction.adopt(draft) };
            transaction.put(&self.blocks, key, &block, "block")
        })
    }

    /// Makes the chosen blocks the blob's content; staged blocks that are not chosen are dropped.
    ///
    /// # Errors
    /// [`Code::InvalidBlockList`], [`Code::ContainerNotFound`], what conditions and lease refuse.
    pub(in crate::blobs) fn put_block_list(
        &self,
        path: &BlobPath,
        choices: Vec<BlockChoice>,
        replacement: Replacement,
    ) -> Result<BlobRecord, Failure> {
        if choices.len() > MAX_BLOCKS {
            return Err(Code::InvalidBlockList.into());
        }
        let (record, news) = self.write(|transaction| {
            let old = self.replaceable(path, &replacement)?;
            let staged = self.uncommitted(path)?;
            let committed = old.as_ref().map_or(&[][..], |blob| blob.content.blocks());
            let blocks = choose(choices, committed, &staged)?;

            let kept: HashSet<_> = blocks.iter().filter_map(|block| block.segment).collect();
            let before = old.iter().flat_map(|blob| blob.content.segments());
            let dropped: HashSet<_> = before.chain(staged.iter().filter_map(|block| block.segment)).collect();
            transaction.disown(dropped.difference(&kept).copied());
            for block in &staged {
                transaction.batch.remove(&self.blocks, path.block_key(&block.id));
            }
            self.replace(transaction, path, old, Content::Blocks(blocks), replacement, Api::PutBlockList)
        })?;
        self.outbox.hand_on(&news)?;
        Ok(record)
    }

    /// # Errors
    /// [`Code::BlobNotFound`] where there is neither a blob nor a staged block; what conditions and lease refuse.
    pub(in crate::blobs) fn block_lists(&self, path: &BlobPath, access: &Access) -> Result<BlockLists, Failure> {
        self.existing_container(&path.container)?;
        let uncommitted = self.uncommitted(path)?;
        let blob = match self.blob_properties(path, access) {
            Err(failure) if failure.code() == Code::BlobNotFound && !uncommitted.is_empty() => None,
            outcome => Some(outcome?),
        };
        Ok(BlockLists { blob, uncommitted })
    }

    /// Staged blocks in the order of their ids.
    fn uncommitted(&self, path: &BlobPath) -> Result<Vec<Block>, Failure> {
        self.blocks
            .prefix(path.block_prefix())
            .map(|entry| decode(&entry.value()?, || format!("block of {path}")))
            .collect()
    }

    pub(super) fn drop_uncommitted(&self, transaction: &mut Transaction<'_>, path: &BlobPath) -> Result<(), Failure> {
        for block in self.uncommitted(path)? {
            transaction.disown(block.segment);
            transaction.batch.remove(&self.blocks, path.block_key(&block.id));
        }
        Ok(())
    }
}

fn choose(choices: Vec<BlockChoice>, committed: &[Block], staged: &[Block]) -> Result<Vec<Block>, Failure> {
    fn by_id(blocks: &[Block]) -> BTreeMap<&str, &Block> {
        blocks.iter().map(|block| (block.id.as_str(), block)).collect()
    }
    let (committed, staged) = (by_id(committed), by_id(staged));
    let chosen = choices.into_iter().map(|choice| {
        let (found, id) = match &choice {
            BlockChoice::Committed(id) => (committed.get(id.as_str()), id),
            BlockChoice::Uncommitted(id) => (staged.get(id.as_str()), id),
            BlockChoice::Latest(id) => (staged.get(id.as_str()).or_else(|| committed.get(id.as_str())), id),
        };
        let missing = || Failure::refused(Code::InvalidBlockList, format!("Block {id} is not there."));
        found.map(|&block| block.clone()).ok_or_else(missing)
    });
    chosen.collect()
}

/// Bytes of a block id.
fn id_length(id: &str) -> Result<usize, Failure> {
    match BASE64_STANDARD.decode(id) {
        Ok(bytes) if (1..=64).contains(&bytes.len()) => Ok(bytes.len()),
        _ => Err(Failure::refused(Code::InvalidBlockId, format!("Id: {id:?}."))),
    }
}
