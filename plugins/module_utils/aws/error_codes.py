# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What AWS's error codes mean for the call that got them: every documented code of every call that is made here. Pure.

From botocore's service models and each service's page of common errors. Amazon EC2 documents its codes outside of its
model; of these the ones that say that a call may be repeated stand here. A code that is not listed is permanent, unless
its HTTP status is 500 or above.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Meaning(Enum):
    THROTTLED = "too many calls: it did nothing, and may succeed later"
    BUSY = "another call is changing the same thing: it did nothing, and may succeed later"
    FAULT = "AWS failed: it may have taken effect, or take effect yet"
    DENIED = "the identity lacks a permission, or a policy forbids it"
    CREDENTIALS = "AWS does not accept the credentials"
    MISSING = "what the call names does not exist"
    EXISTS = "what the call creates exists"
    LIMIT = "a quota or a capacity is used up"
    STATE = "the state of what the call names does not allow it"
    INVALID = "the request is not valid"
    UNKNOWN = "not listed"


_CODES: dict[Meaning, str] = {
    Meaning.THROTTLED: """
        BandwidthLimitExceeded EC2ThrottledException KMSThrottling ProvisionedThroughputExceeded
        ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled RequestThrottledException
        SlowDown ThrottledException Throttling ThrottlingError ThrottlingException TooManyRequests
        TooManyRequestsException
    """,
    Meaning.BUSY: """
        ConcurrentAccess ConcurrentModification ConcurrentModificationException ConcurrentUpdateException
        OperationAbortedException
        PriorRequestNotComplete ReplicatedWriteConflictException RequestInProgressException TransactionConflict
        TransactionConflictException TransactionInProgressException UpdateInProgressException
    """,
    Meaning.FAULT: """
        DependencyTimeout HealthUnavailable InternalError InternalFailure InternalServerError
        InternalServerException InternalServiceError InternalServiceException OpenIdIdpCommunicationError RequestTimeout
        RequestTimeoutException
        ServerException ServiceException ServiceFailure ServiceUnavailable ServiceUnavailableException Unavailable
        WAFInternalErrorException WAFUnavailableEntityException
    """,
    Meaning.DENIED: """
        DecryptionFailure AccessDenied AccessDeniedException AuthorizationError BlockedException
        FailedResourceAccessException InvalidSecurity KMSAccessDenied KMSKeyNotAccessibleFault KMSOptInRequired
        KmsException OperationNotPermitted TagPolicy TagPolicyException UnableToAccessSecretException
        UnableToDecryptSecretValueException UnauthorizedOperation VpcEncryptionControlViolationException
        WAFFeatureNotIncludedInPricingPlanException
    """,
    Meaning.CREDENTIALS: """
        AuthFailure ExpiredToken ExpiredTokenException InvalidClientTokenId InvalidSignatureException
        RequestTimeTooSkewed SignatureDoesNotMatch UnrecognizedClientException
    """,
    Meaning.MISSING: """
        ALPNPolicyNotFound AccessPointNotFound AllocationIdNotFound AuthorizationNotFound BackupPolicyNotFoundFault
        BlueGreenDeploymentNotFoundFault CertificateNotFound ClusterNotFoundException DBCapacityReservationNotFound
        DBClusterNotFoundFault DBClusterParameterGroupNotFound DBInstanceNotFound DBParameterGroupNotFound
        DBProxyEndpointNotFoundFault DBProxyNotFoundFault DBProxyTargetGroupNotFoundFault DBSecurityGroupNotFound
        DBShardGroupNotFound DBSnapshotNotFound DBSnapshotTenantDatabaseNotFoundFault DBSubnetGroupNotFoundFault
        DomainNotFoundFault FileSystemNotFound GlobalClusterNotFoundFault ImageNotFoundException
        IntegrationNotFoundFault KMSNotFound LayersNotFoundException LifecyclePolicyNotFoundException ListenerNotFound
        LoadBalancerNotFound MountTargetNotFound NamespaceNotFoundException NoSuchChange NoSuchEntity
        NoSuchHealthCheck NoSuchHealthCheckSource NoSuchHostedZone NoSuchResourceException NotFound
        ObjectNotFoundException OptionGroupNotFoundFault PolicyNotFound PullThroughCacheRuleNotFoundException
        ReferencedImagesNotFoundException RepositoryNotFoundException ResourceNotFound ResourceNotFoundException
        RuleNotFound SSLPolicyNotFound ScanNotFoundException SecretNotFoundException SecurityGroupNotFound
        ServiceNotFoundException SubnetNotFound TableNotFoundException TargetGroupNotFound TenantDatabaseNotFound
        TrustStoreNotFound UnableToGetUpstreamImageException UnableToGetUpstreamLayerException
        UnableToListUpstreamImageReferrersException UploadNotFoundException WAFNonexistentItemException
        QueueDoesNotExist
    """,
    Meaning.EXISTS: """
        AccessPointAlreadyExists AlreadyExistsException DBClusterAlreadyExistsFault
        DBClusterSnapshotAlreadyExistsFault DBInstanceAlreadyExists DBParameterGroupAlreadyExists
        DBSnapshotAlreadyExists DBSubnetGroupAlreadyExists DuplicateListener DuplicateLoadBalancerName
        DuplicateTargetGroupName EntityAlreadyExists FileSystemAlreadyExists HealthCheckAlreadyExists
        ImageAlreadyExistsException ImageTagAlreadyExistsException LayerAlreadyExistsException
        PullThroughCacheRuleAlreadyExistsException RepositoryAlreadyExistsException ResourceAlreadyExistsException
    """,
    Meaning.LIMIT: """
        AccessPointLimitExceeded DBClusterAutomatedBackupQuotaExceededFault DBClusterQuotaExceededFault
        DBClusterRoleQuotaExceeded DBInstanceAutomatedBackupQuotaExceeded DBParameterGroupQuotaExceeded
        DBSubnetGroupQuotaExceeded DBSubnetQuotaExceededFault FileSystemLimitExceeded FilterPolicyLimitExceeded
        InstanceQuotaExceeded InsufficientDBInstanceCapacity InsufficientStorageClusterCapacity
        InsufficientThroughputCapacity ItemCollectionSizeLimitExceededException LimitExceeded LimitExceededException
        NetworkInterfaceLimitExceeded ProvisionedIopsNotAvailableInAZFault ReplayLimitExceeded RuleLimitExceededException
        SecurityGroupLimitExceeded ServiceQuotaExceededException SnapshotQuotaExceeded StorageQuotaExceeded
        StorageTypeNotAvailableFault SubscriptionLimitExceeded TagLimitExceeded TargetGroupAssociationLimit
        TenantDatabaseQuotaExceeded ThroughputLimitExceeded TooManyActions TooManyCertificates TooManyHealthChecks
        TooManyListeners TooManyLoadBalancers TooManyRegistrationsForTargetId TooManyRules TooManyTags
        TooManyTagsException TooManyTargetGroups TooManyTargets TooManyUniqueTargetGroupsPerLoadBalancer
        TopicLimitExceeded WAFLimitsExceededException
    """,
    Meaning.STATE: """
        CapacityReservationPending ClusterContainsCapacityProviderException
        ClusterContainsContainerInstancesException ClusterContainsServicesException ClusterContainsTasksException
        ConditionalCheckFailedException ConflictException ContinuousBackupsUnavailableException
        DBSubnetGroupDoesNotCoverEnoughAZs DBUpgradeDependencyFailure DeleteConflict EndpointDisabled FileSystemInUse
        HealthCheckInUse HealthCheckVersionMismatch HostedZoneNotEmpty IncompatibleVersion
        IncorrectFileSystemLifeCycleState IncorrectMountTargetState InvalidDBCapacityReservationState
        InvalidDBClusterEndpointStateFault InvalidDBClusterSnapshotStateFault InvalidDBClusterStateFault
        InvalidDBInstanceState InvalidDBParameterGroupState InvalidDBSecurityGroupState
        InvalidDBSubnetGroupStateFault InvalidDBSubnetStateFault InvalidGlobalClusterStateFault
        InvalidResourceStateException InvalidState InvalidVPCNetworkStateFault IpAddressInUse
        KMSDisabled KMSInvalidState LayerInaccessibleException MountTargetConflict NoFreeAddressesInSubnet
        PlatformApplicationDisabled PriorityInUse
        RepositoryNotEmptyException ResourceConflict ResourceInUse ResourceInUseException ServiceNotActiveException
        StaleTag SubnetAlreadyInUse TransactionCanceledException TrustStoreNotReady UnmodifiableEntity
        WAFInvalidOperationException
        MessageNotInflight
    """,
    Meaning.INVALID: """
        AvailabilityZoneNotSupported AvailabilityZonesMismatch BadRequest ClientException DuplicateTagKeys
        EmptyUploadException IdempotentParameterMismatchException IllegalArgumentException
        ImageDigestDoesNotMatchException IncompatibleProtocols InvalidArgsException InvalidArnException
        InvalidChangeBatch InvalidConfigurationRequest InvalidDBSubnetGroupFault InvalidDomainName
        InvalidDomainValidationOptionsException InvalidFilterKey InvalidFilterOption InvalidFilterValue InvalidInput
        InvalidLayerException InvalidLayerPartException InvalidLoadBalancerAction InvalidNextToken
        InvalidNextTokenException InvalidParameter InvalidParameterCombination InvalidParameterException
        InvalidFormat InvalidParameterInput InvalidParameterValue InvalidParameterValueException InvalidPolicyException
        InvalidRequestException InvalidScheme InvalidSecurityGroup InvalidSubnet InvalidTagException
        InvalidTagParameterException InvalidTarget LayerPartTooSmallException MalformedPolicyDocument
        MissingParameter MissingParameterValueException NetworkTypeNotSupported ParameterValueInvalid
        PlatformTaskDefinitionIncompatibilityException PlatformUnknownException PolicyNotAttachable
        StorageTypeNotSupported UnsupportedAvailabilityZone UnsupportedFeatureException UnsupportedProtocol
        UnsupportedUpstreamRegistryException ValidationException WAFInvalidParameterException
        InvalidAddress InvalidIdFormat ReceiptHandleIsInvalid UnsupportedOperation
    """,
}
MEANINGS: dict[str, Meaning] = {code: meaning for meaning, codes in _CODES.items() for code in codes.split()}
_REPEATABLE = {Meaning.THROTTLED, Meaning.BUSY}


def meaning(code: str) -> Meaning:
    return MEANINGS.get(code, Meaning.UNKNOWN)


def of_transaction(reasons: Iterable[str | None]) -> Meaning:
    """What a cancelled transaction means, by the codes of its items: only if all may be repeated, it may be."""
    meanings = {meaning(reason) for reason in reasons if reason and reason != "None"}
    if meanings and meanings <= _REPEATABLE:
        return Meaning.THROTTLED if Meaning.THROTTLED in meanings else Meaning.BUSY
    return Meaning.STATE
