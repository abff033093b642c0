//! Error codes of the service.

use http::StatusCode;

/// Error codes of the Blob and Queue services. The name of a variant is the service's own spelling, which is what
/// [`Display`](std::fmt::Display) writes and `x-ms-error-code` carries.
///
/// Source: "Blob service error codes", "Queue service error codes" and "Common REST API error codes" of the Storage REST reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the service's; `message` says what each means")]
pub enum Code {
    AuthenticationFailed,
    AuthorizationPermissionMismatch,
    AuthorizationProtocolMismatch,
    AuthorizationResourceTypeMismatch,
    AuthorizationServiceMismatch,
    AuthorizationSourceIPMismatch,
    BlobAlreadyExists,
    BlobNotFound,
    CannotVerifyCopySource,
    ConditionHeadersNotSupported,
    ConditionNotMet,
    ContainerAlreadyExists,
    ContainerNotFound,
    EmptyMetadataKey,
    ExceedsMaxBatchRequestCount,
    InternalError,
    InvalidAuthenticationInfo,
    InvalidBlobOrBlock,
    InvalidBlockId,
    InvalidBlockList,
    InvalidHeaderValue,
    InvalidInput,
    InvalidMd5,
    InvalidMetadata,
    InvalidQueryParameterValue,
    InvalidRange,
    InvalidResourceName,
    InvalidUri,
    InvalidXmlDocument,
    LeaseAlreadyBroken,
    LeaseAlreadyPresent,
    LeaseIdMismatchWithBlobOperation,
    LeaseIdMismatchWithContainerOperation,
    LeaseIdMismatchWithLeaseOperation,
    LeaseIdMissing,
    LeaseIsBreakingAndCannotBeAcquired,
    LeaseIsBreakingAndCannotBeChanged,
    LeaseIsBrokenAndCannotBeRenewed,
    LeaseLost,
    LeaseNotPresentWithBlobOperation,
    LeaseNotPresentWithContainerOperation,
    LeaseNotPresentWithLeaseOperation,
    Md5Mismatch,
    MessageNotFound,
    MetadataTooLarge,
    MissingContentLengthHeader,
    MissingRequiredHeader,
    MissingRequiredQueryParameter,
    MultipleConditionHeadersNotSupported,
    NoAuthenticationInformation,
    NoPendingCopyOperation,
    NotImplemented,
    OutOfRangeInput,
    OutOfRangeQueryParameterValue,
    PopReceiptMismatch,
    QueueAlreadyExists,
    QueueNotFound,
    RequestBodyTooLarge,
    ResourceNotFound,
    SourceConditionNotMet,
    TargetConditionNotMet,
    UnsatisfiableCondition,
    UnsupportedHttpVerb,
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

impl Code {
    /// The status the service answers with this code.
    #[must_use]
    pub fn status(self) -> StatusCode {
        use Code as C;
        match self {
            C::NoAuthenticationInformation | C::InvalidAuthenticationInfo => StatusCode::UNAUTHORIZED,
            C::AuthenticationFailed
            | C::AuthorizationPermissionMismatch
            | C::AuthorizationProtocolMismatch
            | C::AuthorizationResourceTypeMismatch
            | C::AuthorizationServiceMismatch
            | C::AuthorizationSourceIPMismatch => StatusCode::FORBIDDEN,
            C::BlobNotFound
            | C::CannotVerifyCopySource
            | C::ContainerNotFound
            | C::MessageNotFound
            | C::QueueNotFound
            | C::ResourceNotFound => StatusCode::NOT_FOUND,
            C::UnsupportedHttpVerb => StatusCode::METHOD_NOT_ALLOWED,
            C::BlobAlreadyExists
            | C::ContainerAlreadyExists
            | C::LeaseAlreadyBroken
            | C::LeaseAlreadyPresent
            | C::LeaseIdMismatchWithLeaseOperation
            | C::LeaseIsBreakingAndCannotBeAcquired
            | C::LeaseIsBreakingAndCannotBeChanged
            | C::LeaseIsBrokenAndCannotBeRenewed
            | C::LeaseNotPresentWithLeaseOperation
            | C::NoPendingCopyOperation
            | C::QueueAlreadyExists => StatusCode::CONFLICT,
            C::MissingContentLengthHeader => StatusCode::LENGTH_REQUIRED,
            C::ConditionNotMet
            | C::LeaseIdMismatchWithBlobOperation
            | C::LeaseIdMismatchWithContainerOperation
            | C::LeaseIdMissing
            | C::LeaseLost
            | C::LeaseNotPresentWithBlobOperation
            | C::LeaseNotPresentWithContainerOperation
            | C::SourceConditionNotMet
            | C::TargetConditionNotMet => StatusCode::PRECONDITION_FAILED,
            C::RequestBodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            C::InvalidRange => StatusCode::RANGE_NOT_SATISFIABLE,
            C::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            C::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            C::ConditionHeadersNotSupported
            | C::EmptyMetadataKey
            | C::ExceedsMaxBatchRequestCount
            | C::InvalidBlobOrBlock
            | C::InvalidBlockId
            | C::InvalidBlockList
            | C::InvalidHeaderValue
            | C::InvalidInput
            | C::InvalidMd5
            | C::InvalidMetadata
            | C::InvalidQueryParameterValue
            | C::InvalidResourceName
            | C::InvalidUri
            | C::InvalidXmlDocument
            | C::Md5Mismatch
            | C::MetadataTooLarge
            | C::MissingRequiredHeader
            | C::MissingRequiredQueryParameter
            | C::MultipleConditionHeadersNotSupported
            | C::OutOfRangeInput
            | C::OutOfRangeQueryParameterValue
            | C::PopReceiptMismatch
            | C::UnsatisfiableCondition => StatusCode::BAD_REQUEST,
        }
    }

    /// One sentence for the caller.
    #[must_use]
    pub fn message(self) -> &'static str {
        use Code as C;
        match self {
            C::AuthenticationFailed => "The signature of the request is wrong or has expired.",
            C::AuthorizationPermissionMismatch => "The signed permissions or the roles do not cover this operation.",
            C::AuthorizationProtocolMismatch => "The signed protocol does not allow this connection.",
            C::AuthorizationResourceTypeMismatch => "The signed resource types do not cover this resource.",
            C::AuthorizationServiceMismatch => "The signed services do not include this one.",
            C::AuthorizationSourceIPMismatch => "The signed address range does not include the caller.",
            C::BlobAlreadyExists => "The blob already exists.",
            C::BlobNotFound => "The blob does not exist.",
            C::CannotVerifyCopySource => "The source of the copy cannot be read.",
            C::ConditionHeadersNotSupported => "The operation does not take this condition.",
            C::ConditionNotMet => "A condition in the request's headers does not hold.",
            C::ContainerAlreadyExists => "The container already exists.",
            C::ContainerNotFound => "The container does not exist.",
            C::EmptyMetadataKey => "A metadata header has no name after `x-ms-meta-`.",
            C::ExceedsMaxBatchRequestCount => "The batch has more requests than 256.",
            C::InternalError => "The local store failed; repeating the request is safe.",
            C::InvalidAuthenticationInfo => {
                "The authorization header has an unknown scheme or shape, or a token that is not valid."
            }
            C::InvalidBlobOrBlock => "The block cannot belong to this blob: all its block ids must be equally long.",
            C::InvalidBlockId => "The block id is not Base64 of 1 to 64 bytes.",
            C::InvalidBlockList => "The list names a block that is not there, or is too long.",
            C::InvalidHeaderValue => "A header has a value that cannot be used.",
            C::InvalidInput => "The request cannot be read.",
            C::InvalidMd5 => "The MD5 that the request names is none: Base64 of 16 bytes.",
            C::InvalidMetadata => {
                "Metadata names must be C# identifiers and differ in more than case, values ASCII text."
            }
            C::InvalidQueryParameterValue => "A query parameter has a value that cannot be used.",
            C::InvalidRange => "The range starts behind the end of the blob.",
            C::InvalidResourceName => "The name of this resource is not allowed.",
            C::InvalidUri => "The address cannot be read.",
            C::InvalidXmlDocument => "The body is not the XML this operation takes.",
            C::LeaseAlreadyBroken => "The lease is already broken.",
            C::LeaseAlreadyPresent => "Somebody else holds the lease.",
            C::LeaseIdMismatchWithBlobOperation | C::LeaseIdMismatchWithContainerOperation => {
                "The lease id is not the one that is held."
            }
            C::LeaseIdMismatchWithLeaseOperation => "The lease id is not the one that is or was held.",
            C::LeaseIdMissing => "The blob or container is leased and the request names no lease.",
            C::LeaseIsBreakingAndCannotBeAcquired => "The lease is breaking and cannot be acquired yet.",
            C::LeaseIsBreakingAndCannotBeChanged => "The lease is breaking and cannot be changed.",
            C::LeaseIsBrokenAndCannotBeRenewed => "The lease was broken and cannot be renewed.",
            C::LeaseLost => "The lease has ended.",
            C::LeaseNotPresentWithBlobOperation => "The blob is not leased.",
            C::LeaseNotPresentWithContainerOperation => "The container is not leased.",
            C::LeaseNotPresentWithLeaseOperation => "There is no lease.",
            C::Md5Mismatch => "The body does not have the MD5 that the request names.",
            C::MessageNotFound => "The message does not exist, has expired or was deleted.",
            C::MetadataTooLarge => "Metadata exceeds 8 KiB.",
            C::MissingContentLengthHeader => "Content-Length is required.",
            C::MissingRequiredHeader => "A required header is missing.",
            C::MissingRequiredQueryParameter => "A required query parameter is missing.",
            C::MultipleConditionHeadersNotSupported => "These conditions cannot be combined.",
            C::NoAuthenticationInformation => {
                "The request carries no signature, no shared access signature and no token."
            }
            C::NoPendingCopyOperation => "There is no copy under way.",
            C::NotImplemented => "The local storage account does not support this.",
            C::OutOfRangeInput => "The specified resource name length is not within the permissible limits.",
            C::OutOfRangeQueryParameterValue => "A query parameter is out of range.",
            C::PopReceiptMismatch => "The pop receipt is not the last one of the message.",
            C::QueueAlreadyExists => "The queue exists with other metadata.",
            C::QueueNotFound => "The queue does not exist.",
            C::RequestBodyTooLarge => "The body is larger than this operation takes.",
            C::ResourceNotFound => "There is nothing at this address.",
            C::SourceConditionNotMet => "A condition on the source of the copy does not hold.",
            C::TargetConditionNotMet => "A condition on the target of the copy does not hold.",
            C::UnsatisfiableCondition => "The condition cannot hold for this operation.",
            C::UnsupportedHttpVerb => "This resource has no such operation.",
        }
    }
}
