//! Certificates: read at the start, read again when told to.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use thiserror::Error;

#[derive(Debug, Error)]
pub(crate) enum TlsError {
    #[error("read certificate {}", path.display())]
    Certificate { path: PathBuf, source: rustls_pki_types::pem::Error },
    #[error("read private key {}", path.display())]
    Key { path: PathBuf, source: rustls_pki_types::pem::Error },
    #[error("use private key {} with certificate {}", key.display(), certificate.display())]
    Pair { key: PathBuf, certificate: PathBuf, source: rustls::Error },
    #[error("set up TLS")]
    Setup(#[source] rustls::Error),
}

/// The certificate in use. Replaced as a whole, for handshakes that begin after it.
#[derive(Debug)]
pub(crate) struct Certificate {
    files: config::Tls,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    pub(crate) fn read(files: &config::Tls) -> Result<Arc<Self>, TlsError> {
        let current = RwLock::new(Arc::new(pair(&files.certificate, &files.key)?));
        Ok(Arc::new(Self { files: files.clone(), current }))
    }

    /// Reads the files again. If they are not good, the old ones stay.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        let pair = Arc::new(pair(&self.files.certificate, &self.files.key)?);
        *self.current.write().unwrap_or_else(std::sync::PoisonError::into_inner) = pair;
        Ok(())
    }

    /// TLS 1.2 and 1.3, HTTP/1.1 only: a WebSocket over HTTP/2 would be another protocol.
    pub(crate) fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Self>::clone(self);
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        Some(Arc::clone(&current))
    }
}

fn pair(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let unread = |source| TlsError::Certificate { path: certificate.to_owned(), source };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .map_err(unread)?
        .collect::<Result<_, _>>()
        .map_err(unread)?;
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|source| TlsError::Key { path: key.to_owned(), source })?;
    CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider()).map_err(|source| {
        TlsError::Pair { key: key.to_owned(), certificate: certificate.to_owned(), source }
    })
}
