// Declarations of the CUDA libraries' types that libtorch's headers name and the shim never uses, so
// that it compiles without those libraries' large packages.
#pragma once

typedef struct cublasContext* cublasHandle_t;
typedef struct cublasLtContext* cublasLtHandle_t;
typedef struct cusolverDnContext* cusolverDnHandle_t;
typedef struct cusparseContext* cusparseHandle_t;

typedef int cublasStatus_t;
typedef int cusolverStatus_t;
typedef int cusparseStatus_t;
