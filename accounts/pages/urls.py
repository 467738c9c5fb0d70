from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts.pages import organization, sign_in, tokens

urlpatterns = [
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("login/<str:secret>/", sign_in.login_link, name="login-link"),
    path("organization/", organization.organization, name="organization"),
    path("organization/switch/", sign_in.switch_organization, name="switch-organization"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke/", tokens.revoke_token, name="revoke-token"),
]
