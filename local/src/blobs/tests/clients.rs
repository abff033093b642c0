//! What the official Rust client does against the service.

use std::collections::HashMap;

use azure_core::http::{Etag, RequestContent, StatusCode, headers::HeaderName};
use azure_storage_blob::{
    BlobClient,
    models::{
        BlobClientDownloadOptions, BlobContainerClientListBlobsOptions, BlockBlobClientUploadOptions, BlockListType,
        BlockLookupList, ListBlobsIncludeItem,
    },
};
use futures::TryStreamExt;

use super::Fixture;

async fn upload(blob: &BlobClient, body: impl Into<Vec<u8>>) {
    blob.upload(RequestContent::from(body.into()), None).await.expect("uploaded");
}

async fn download(blob: &BlobClient) -> Vec<u8> {
    let answer = blob.download(None).await.expect("found");
    answer.body.collect().await.expect("a body").to_vec()
}

async fn etag(blob: &BlobClient) -> Etag {
    let answer = blob.get_properties(None).await.expect("found");
    answer.headers().get_as(&HeaderName::from_static("etag")).expect("a tag")
}

#[tokio::test]
async fn a_blob_goes_up_and_comes_down() {
    let fixture = Fixture::start().await;
    let container = fixture.client().blob_container_client("photos");
    assert!(!container.exists().await.expect("an answer"));
    container.create(None).await.expect("created");
    let again = container.create(None).await.expect_err("it is there");
    assert_eq!(again.http_status(), Some(StatusCode::Conflict));

    let blob = container.blob_client("2025/a ü+b.txt");
    upload(&blob, *b"hello world").await;
    assert_eq!(download(&blob).await, b"hello world");
    let part = BlobClientDownloadOptions { range: Some((6_u64..9).into()), ..Default::default() };
    let answer = blob.download(Some(part)).await.expect("found");
    assert_eq!(answer.body.collect().await.expect("a body"), b"wor".as_slice());

    let empty = container.blob_client("empty");
    upload(&empty, Vec::new()).await;
    assert!(download(&empty).await.is_empty());

    blob.delete(None).await.expect("deleted");
    assert!(!blob.exists().await.expect("an answer"));
    container.delete(None).await.expect("deleted");
    assert_eq!(empty.get_properties(None).await.expect_err("gone").http_status(), Some(StatusCode::NotFound));
}

#[tokio::test]
async fn a_writer_that_lost_the_race_is_told() {
    let fixture = Fixture::start().await;
    let blob = fixture.files().blob_client("state");
    let only_new = || Some(BlockBlobClientUploadOptions::default().if_not_exists());
    let only = |etag: &Etag| {
        Some(BlockBlobClientUploadOptions { if_match: Some(etag.clone()), ..BlockBlobClientUploadOptions::default() })
    };
    let put = |options| blob.upload(RequestContent::from(b"x".to_vec()), options);

    put(only_new()).await.expect("it was not there");
    assert_eq!(put(only_new()).await.expect_err("it is there").http_status(), Some(StatusCode::Conflict));
    let first = etag(&blob).await;
    put(only(&first)).await.expect("the tag is the present one");
    assert_eq!(put(only(&first)).await.expect_err("it is stale").http_status(), Some(StatusCode::PreconditionFailed));
    assert_ne!(etag(&blob).await, first);
}

#[tokio::test]
async fn large_blobs_travel_in_blocks_and_chunks() {
    let fixture = Fixture::start().await;
    let blob = fixture.files().blob_client("large");
    let body: Vec<u8> = (0..9_500_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    upload(&blob, body.clone()).await;
    assert!(download(&blob).await == body, "what came down is what went up");

    let blocks = blob.block_blob_client().get_block_list(BlockListType::All, None).await.expect("found");
    let blocks = blocks.into_model().expect("a list");
    assert!(blocks.committed_blocks.expect("blocks").len() > 1);

    // Around the borders of chunks (256 KiB) and blocks (4 MiB).
    for from in [262_143_u64, 262_144, 4_194_303, 4_194_304, 9_499_998] {
        let range = BlobClientDownloadOptions { range: Some((from..from + 5).into()), ..Default::default() };
        let part = blob.download(Some(range)).await.expect("found").body.collect().await.expect("a body");
        let expected = &body[from as usize..body.len().min(from as usize + 5)];
        assert_eq!(part, expected, "from {from}");
    }
}

#[tokio::test]
async fn blocks_are_committed_in_the_listed_order() {
    let fixture = Fixture::start().await;
    let blob = fixture.files().blob_client("blocks");
    let blocks = blob.block_blob_client();
    let stage = |id: &'static [u8], text: &'static [u8]| {
        blocks.stage_block(id, text.len() as u64, RequestContent::from(text.to_vec()), None)
    };
    let commit = |ids: &[&[u8]]| {
        let list = BlockLookupList { latest: Some(ids.iter().map(|id| id.to_vec()).collect()), ..Default::default() };
        blocks.commit_block_list(list.try_into().expect("a list"), None)
    };
    stage(b"1", b"one ").await.expect("staged");
    stage(b"2", b"two ").await.expect("staged");
    assert!(!blob.exists().await.expect("an answer"), "staged blocks are no blob");
    let options = BlobContainerClientListBlobsOptions {
        include: Some(vec![ListBlobsIncludeItem::UncommittedBlobs]),
        ..Default::default()
    };
    let pages = fixture.files().list_blobs(Some(options)).expect("a pager");
    let listed: Vec<_> = pages.try_collect().await.expect("pages");
    let lengths: Vec<_> = listed.into_iter().map(|item| item.properties.and_then(|it| it.content_length)).collect();
    assert_eq!(lengths, [Some(0)], "unless uncommitted ones are asked for");
    commit(&[b"2", b"1", b"2"]).await.expect("committed");
    assert_eq!(download(&blob).await, b"two one two ");

    stage(b"3", b"three").await.expect("staged");
    commit(&[b"1", b"3"]).await.expect("old and new blocks mix");
    assert_eq!(download(&blob).await, b"one three");
    let refused = commit(&[b"2"]).await.expect_err("the second block is gone");
    assert_eq!(refused.http_status(), Some(StatusCode::BadRequest));
}

#[tokio::test]
async fn metadata_is_listed_page_by_page() {
    let fixture = Fixture::start().await;
    let container = fixture.files();
    for name in ["hub/ownership/0", "hub/ownership/1", "hub/ownership/2", "other"] {
        let blob = container.blob_client(name);
        upload(&blob, Vec::new()).await;
        let metadata = HashMap::from([("ownerid".to_owned(), format!("<{name}>"))]);
        blob.set_metadata(&metadata, None).await.expect("set");
    }
    let options = BlobContainerClientListBlobsOptions {
        prefix: Some("hub/".to_owned()),
        include: Some(vec![ListBlobsIncludeItem::Metadata]),
        maxresults: Some(2),
        ..Default::default()
    };
    let listed: Vec<_> = container.list_blobs(Some(options)).expect("a pager").try_collect().await.expect("pages");
    let found: Vec<_> = listed
        .into_iter()
        .map(|item| {
            let metadata = item.metadata.expect("metadata was asked for").values.expect("values");
            (item.name.expect("a name"), metadata["ownerid"].clone())
        })
        .collect();
    let expected = |n| (format!("hub/ownership/{n}"), format!("<hub/ownership/{n}>"));
    assert_eq!(found, [expected(0), expected(1), expected(2)]);
}
