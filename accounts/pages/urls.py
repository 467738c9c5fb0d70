from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts.pages import join, organization, sign_in, tokens

urlpatterns = [
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("login/<str:secret>/", sign_in.login_link, name="login-link"),
    path("organization/", organization.organization, name="organization"),
    path("organization/invite/", organization.invite_somebody, name="invite"),
    path(
        "organization/invitations/<int:invitation_id>/withdraw/",
        organization.withdraw,
        name="withdraw-invitation",
    ),
    path("organization/members/<int:member_id>/role/", organization.give_role, name="give-role"),
    path("organization/members/<int:member_id>/remove/", organization.remove, name="remove-member"),
    path("join/<str:secret>/", join.join, name="join"),
    path("organization/switch/", sign_in.switch_organization, name="switch-organization"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke/", tokens.revoke_token, name="revoke-token"),
]
