"""What can be launched and from where: agent types and repositories."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from pods.models import AgentType, Repository


@admin.register(AgentType)
class AgentTypeAdmin(ModelAdmin):
    list_display = ("name", "slug", "organization", "detect", "enabled")
    list_filter = ("enabled", "organization")
    search_fields = ("name", "slug")


@admin.register(Repository)
class RepositoryAdmin(ModelAdmin):
    list_display = ("name", "slug", "organization", "url", "default_branch")
    list_filter = ("organization",)
    search_fields = ("name", "slug", "url")
    prepopulated_fields = {"slug": ("name",)}
