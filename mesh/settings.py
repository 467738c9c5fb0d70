"""Every setting of the server, and the only reader of its environment (MESH_HOME's defaults: mesh/home.py).

Any NAME may be given as NAME_FILE, a path to a file with the value, which keeps secrets out of the environment.
"""

from pathlib import Path

import environ

from mesh import home, logs

env = environ.FileAwareEnv()

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = home.Home(Path(env("MESH_HOME", default=str(BASE_DIR / "var"))))

# ---- Core
DEBUG = env.bool("MESH_DEBUG", default=False)
SECRET_KEY = env("MESH_SECRET_KEY", default=None) or HOME.secret_key()
PUBLIC_HOST = env("MESH_PUBLIC_HOST", default="127.0.0.1")
LISTEN = env("MESH_LISTEN", default=PUBLIC_HOST)  # the address of this machine to listen on
PORT = env.int("MESH_PORT", default=8000)
PUBLIC_URL = env("MESH_PUBLIC_URL", default=f"http://{PUBLIC_HOST}:{PORT}")
ALLOWED_HOSTS = env.list(
    "MESH_ALLOWED_HOSTS", default=[PUBLIC_HOST, "127.0.0.1", "localhost", "[::1]"]
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_COOKIES = PUBLIC_URL.startswith("https://")
ROOT_URLCONF = "mesh.urls"
ASGI_APPLICATION = "mesh.asgi.application"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin.apps.SimpleAdminConfig",  # only web, which has the URLs, loads its pages
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_filters",
    "django_prometheus",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "axes",
    "accounts",
    "pods",
    "channels_app",
    "mesh",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "mesh.csp.content_security_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.pages.frame.frame",
                "channels_app.pages.counts.counts",
            ]
        },
    }
]

# ---- Database: the truth about intent, ownership and history
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{HOME.database}")}
DATABASES["default"]["CONN_MAX_AGE"] = 60  # reopening SQLite costs 10 ms per Pod start
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True  # a server that was restarted left dead ones
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        # Several processes write; deferred transactions fail with "database is locked".
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA mmap_size=134217728;"
            "PRAGMA cache_size=-20000;PRAGMA journal_size_limit=67108864;"
        ),
    }

# ---- Redis: Celery's broker and the channel layer; nothing that must not be lost
REDIS_URL = env("REDIS_URL", default=f"unix://{HOME.sockets / 'redis.sock'}")
REDIS_IS_OURS = REDIS_URL.startswith(f"unix://{HOME.sockets}")  # then `up` starts one
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "priority_steps": [0],
    "polling_interval": 0.1,  # else the first wake-up after an attach waits up to 1 s
    "visibility_timeout": 300,
    "global_keyprefix": "mesh:",
    "socket_connect_timeout": 1,
    "socket_timeout": 5,  # a Redis that hangs is as one that is away
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TIMEZONE = "UTC"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "mesh-news"},
    }
}

# ---- Certificates and the gateway's listeners
CA_DIR = Path(env("MESH_CA_DIR", default=str(HOME.ca)))
RUNNER_CERTIFICATE_DAYS = env.float("MESH_RUNNER_CERTIFICATE_DAYS", default=90)
GATEWAY_NAME = env("MESH_GATEWAY_NAME", default="")  # only the gateway process has one
GATEWAY_LISTEN = env("MESH_GATEWAY_LISTEN", default=f"{LISTEN}:{PORT + 1}")  # Runners, mTLS
ENROLL_LISTEN = env("MESH_ENROLL_LISTEN", default=f"{LISTEN}:{PORT + 2}")  # server TLS only
GATEWAY_INTERNAL = env("MESH_GATEWAY_INTERNAL", default=f"unix:{HOME.sockets / 'gateway.sock'}")
# What Runners are told to dial; a balancer in front of several gateways is layer 4.
GATEWAY_ADDRESSES = env.list(
    "MESH_GATEWAY_ADDRESSES", default=[f"{PUBLIC_HOST}:{GATEWAY_LISTEN.rpartition(':')[2]}"]
)
ENROLL_ADDRESS = env(
    "MESH_ENROLL_ADDRESS", default=f"{PUBLIC_HOST}:{ENROLL_LISTEN.rpartition(':')[2]}"
)

# ---- Agents: what can be launched beside the built-in types, and the keys that protect credential sets
AGENT_TYPES_DIR = Path(env("MESH_AGENT_TYPES_DIR", default=str(HOME.agent_types)))
SECRETS_KEY_FILE = Path(env("MESH_SECRETS_KEY_FILE", default=str(HOME.secrets_key)))
# A file is read anew at each use, so that keys can change; what the environment holds, once.
SECRETS_KEY = "" if "MESH_SECRETS_KEY_FILE" in env.ENVIRON else env("MESH_SECRETS_KEY", default="")

# ---- Releases of the Runner; the private key is a file of the operator's, known to no setting
RELEASES_DIR = Path(env("MESH_RELEASES_DIR", default=str(HOME.releases)))
RELEASE_KEY_FILE = Path(env("MESH_RELEASE_KEY", default=str(RELEASES_DIR / "release.pub")))

# ---- Sign-in
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "sign-in"
AXES_VERBOSE = False
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

# ---- REST: what a view needs is said in pods/api/door.py
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "pods.api.errors.handle",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Mesh",
    "DESCRIPTION": "Fleets of coding agents on machines you own.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {"PromptStateEnum": "pods.api.prompts.STATES"},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "pods.api.documented.add_errors",
        "pods.api.documented.say_what_text_is",
    ],
}
API_READS_A_MINUTE = env.int("MESH_API_READS_A_MINUTE", default=6000)  # by each person or token
API_WRITES_A_MINUTE = env.int("MESH_API_WRITES_A_MINUTE", default=1200)
API_STRANGERS_A_MINUTE = env.int("MESH_API_STRANGERS_A_MINUTE", default=120)  # by each address

# ---- Static files: the project's own, and the browser packages that the npm lock names
STATIC_URL = "/static/"
STATIC_ROOT = HOME.static
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("xterm", BASE_DIR / "node_modules" / "@xterm"),
    ("htmx", BASE_DIR / "node_modules" / "htmx.org" / "dist"),
]

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "mesh.static_files.Storage"},
}

# ---- Time and language
LANGUAGE_CODE = "en-us"
USE_TZ = True
TIME_ZONE = "UTC"

# ---- Logs and measures
METRICS_TOKEN = env(
    "MESH_METRICS_TOKEN", default=""
)  # with it, or as an operator, /metrics is read
# From a proxy that sets X-Request-ID itself; anybody else could put what they like into the logs.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = env.bool("MESH_TRUST_REQUEST_ID", default=False)
LOGGING = logs.configure(
    env("MESH_LOG_LEVEL", default="INFO"), as_json=env("MESH_LOG_FORMAT", default="line") == "json"
)
