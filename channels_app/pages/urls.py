from django.urls import path, re_path

from channels_app.pages import acts, counts, inbox, picture, room, rooms

VERBS = "|".join(acts.ACTS)

urlpatterns = [
    path("channels/", rooms.rooms, name="channels"),
    path("channels/<slug:slug>/", room.room, name="channel"),
    path("channels/<slug:slug>/messages/", room.message_list, name="channel-messages"),
    path("channels/<slug:slug>/messages/<int:number>/", acts.message, name="message"),
    path("channels/<slug:slug>/messages/<int:number>/edit/", acts.edit, name="edit-message"),
    path("channels/<slug:slug>/messages/<int:number>/delete/", acts.delete, name="delete-message"),
    path("channels/<slug:slug>/post/", acts.post, name="post-message"),
    path("channels/<slug:slug>/read/", acts.mark, name="mark-channel"),
    path("channels/<slug:slug>/names/", room.names, name="channel-names"),
    path("channels/<slug:slug>/search/", room.search, name="channel-search"),
    path("channels/<slug:slug>/beside/", room.beside, name="channel-beside"),
    path("channels/<slug:slug>/document/", acts.document, name="channel-document"),
    path("channels/<slug:slug>/members/", acts.add_member, name="add-member"),
    re_path(rf"^channels/(?P<slug>[-\w]+)/(?P<verb>{VERBS})/$", acts.act, name="act-in-channel"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/pods/<slug:key>/put-away/", inbox.put_away_pod, name="put-away-pod"),
    path("map/", picture.map_page, name="map"),
    path("map/data/", picture.map_data, name="map-data"),
    path("counts/", counts.header, name="counts"),
]
