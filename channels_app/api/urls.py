"""Channels below `/api/v1/`."""

from django.urls import path

from channels_app.api import views
from channels_app.api.waiting import until_there_is_more

urlpatterns = [
    path("channels/", views.Channels.as_view()),
    path("channels/<slug:slug>/", views.OneChannel.as_view()),
    path("channels/<slug:slug>/archive/", views.ArchiveChannel.as_view()),
    path("channels/<slug:slug>/unarchive/", views.UnarchiveChannel.as_view()),
    path("channels/<slug:slug>/members/", views.Members.as_view()),
    path("channels/<slug:slug>/messages/", until_there_is_more(views.Messages.as_view())),
    path("channels/<slug:slug>/messages/<int:number>/", views.OneMessage.as_view()),
    path("channels/<slug:slug>/read/", views.ReadMark.as_view()),
    path("channels/<slug:slug>/document/", views.ChannelDocument.as_view()),
]
